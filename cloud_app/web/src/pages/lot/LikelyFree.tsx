import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { LikelyFree as Answer } from '../../api/types';
import { useData } from '../../api/useData';
import { Select } from '../../components/Field';
import { Loaded } from '../../components/states';
import { nowMs } from '../../components/Time';
import { t, word } from '../../i18n';
import { percent, siteTime } from '../../i18n/format';
import { hoursAhead } from './forecast';

/** No forecast is surer. */
const SUREST = 0.99;

type Kind = Answer['kind'];
/** Kinds that drivers may use. */
const KINDS: readonly Kind[] = ['standard', 'disabled', 'ev', 'loading'];

interface LikelyFreeProps {
  site: string;
  lot: string;
  zone: string | null;
  /** Of the lot's bays. */
  kinds: readonly string[];
}

/** How likely a bay of a kind will be free at one of the next hours. */
export function LikelyFree({ site, lot, zone, kinds }: LikelyFreeProps) {
  const hours = hoursAhead(nowMs.value);
  const offered = KINDS.filter((kind) => kinds.includes(kind));
  const [asked, setAsked] = useState({ at: '', kind: '' });
  const at = hours.find((hour) => hour === asked.at) ?? (hours[1] as string);
  const kind = offered.find((each) => each === asked.kind) ?? offered[0] ?? 'standard';
  const found = useData<readonly Answer[]>(`likely ${site}/${lot} ${at} ${kind}`, (signal) =>
    ask(api.GET('/api/v1/likely-free', { params: { query: { site, lot, at, kind } }, signal })),
  );
  return (
    <div class="body stack likely">
      <div class="row wrap">
        <Select
          label={t('likely.at')}
          value={at}
          options={hours.map((value) => ({ value, label: siteTime(value, zone) }))}
          onChange={(value) => setAsked({ ...asked, at: value })}
        />
        {offered.length > 1 && (
          <Select
            label={t('likely.kind')}
            value={kind}
            options={offered.map((value) => ({ value, label: word('bayKind', value) }))}
            onChange={(value) => setAsked({ ...asked, kind: value })}
          />
        )}
      </div>
      <Loaded of={found}>
        {([answer]) => (
          <p role="status">
            {answer?.likelihood && answer.probability !== null ? (
              <>
                <strong>{t(`likely.${answer.likelihood}`)}</strong>{' '}
                <span class="soft num">
                  {t('likely.chance', { share: percent(Math.min(answer.probability, SUREST)) })}
                </span>
              </>
            ) : (
              <span class="soft">{t('likely.unsaid')}</span>
            )}
          </p>
        )}
      </Loaded>
    </div>
  );
}
