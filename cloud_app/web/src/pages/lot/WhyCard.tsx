/** Why a bay is what it is: every source, what it says, and how far it is believed; set by hand. */

import { Hand } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { Bay, BaySource, BaySources } from '../../api/types';
import { useData } from '../../api/useData';
import { may } from '../../app/session';
import { toast, toastError } from '../../app/toasts';
import { Button } from '../../components/Button';
import { Dot } from '../../components/counts';
import { Segments, Select } from '../../components/Field';
import { Loaded } from '../../components/states';
import { Ago, At } from '../../components/Time';
import { t, word } from '../../i18n';
import { percent } from '../../i18n/format';
import { nameOfSource } from './bays';

const HALF_MINUTE_S = 30;
const HOURS = [1, 4, 12, 24, 168] as const;
const HOUR_MS = 3_600_000;
// The service works a change in within about a second.
const SETTLE_MS = 1500;

interface WhyProps {
  now: Bay;
  zone: string | null;
}

export function Why({ now, zone }: WhyProps) {
  const { site, lot, bay, state, since, reason } = now;
  const params = { path: { site, lot, bay } };
  const sources = useData<BaySources>(
    `sources ${site}/${lot}/${bay} ${state} ${since} ${reason}`,
    (signal) => ask(api.GET('/api/v1/lots/{site}/{lot}/bays/{bay}/sources', { params, signal })),
    { everyS: HALF_MINUTE_S },
  );
  return (
    <section class="why" aria-label={t('why.title')}>
      <h3>{t('why.title')}</h3>
      <Loaded of={sources}>
        {(found) => (
          <>
            <p class="small">{t(`why.${found.why}`, { source: believedOf(found) })}</p>
            {found.differs && (
              <p class="small differs">
                {t('why.differs')} {found.differs_since && <At at={found.differs_since} zone={zone} />}
              </p>
            )}
            {found.blocked && <p class="small differs">{blockedOf(found.blocked)}</p>}
            <ul class="sources">
              {found.sources.map((source) => (
                <Source key={source.source} source={source} zone={zone} />
              ))}
            </ul>
            {may('write') && (
              <ByHand
                now={now}
                isSet={found.set_by_hand}
                onDone={() => setTimeout(sources.reload, SETTLE_MS)}
              />
            )}
          </>
        )}
      </Loaded>
    </section>
  );
}

/** Why no vehicle can use the bay, and by what evidence. */
function blockedOf({ kind, by, conf, share }: NonNullable<BaySources['blocked']>): string {
  const facts = [
    typeof share === 'number' && t('why.covered', { share: percent(share) }),
    t(`why.blockedBy.${by}`),
    by === 'camera' && t('why.conf', { share: percent(conf) }),
  ].filter(Boolean);
  return `${t('lot.blocked')}: ${word('blocked', kind)} · ${facts.join(' · ')}`;
}

/** The name of the source whose word the state is. */
function believedOf({ believed, sources }: BaySources): string {
  const found = sources.find(({ source }) => source === believed);
  return found ? nameOfSource(found.name) : '';
}

function Source({ source, zone }: { source: BaySource; zone: string | null }) {
  const facts = [
    source.reason && word('reason', source.reason),
    source.conf !== null && t('why.conf', { share: percent(source.conf) }),
    source.reliability !== null && t('why.reliability', { share: percent(source.reliability) }),
  ].filter(Boolean);
  return (
    <li>
      <Dot state={source.state} />
      <span class="grow">
        <span class="row between">
          <span class="clip">
            <span class="strong">{nameOfSource(source.name)}</span>{' '}
            <span class="soft small">{t(`why.kind.${source.kind}`)}</span>
          </span>
          <span class={`badge nowrap ${BADGES[source.role]}`}>{t(`why.role.${source.role}`)}</span>
        </span>
        <span class="small">
          {t(`bay.${source.state}`)} · <Ago at={source.since} zone={zone} />
        </span>
        {facts.length > 0 && <span class="soft small num block">{facts.join(' · ')}</span>}
        {source.kind === 'manual' && source.until && (
          <span class="soft small block">
            {t('why.until')} <At at={source.until} zone={zone} />
          </span>
        )}
        {source.kind !== 'manual' && source.heard && (
          <span class="soft small block">
            {t('why.heard')} <Ago at={source.heard} zone={zone} />
          </span>
        )}
      </span>
    </li>
  );
}

const BADGES: Record<BaySource['role'], string> = {
  believed: 'good',
  agrees: '',
  overruled: 'warn',
  unknowing: '',
  stale: 'warn',
};

function ByHand({ now, isSet, onDone }: { now: Bay; isSet: boolean; onDone: () => void }) {
  const [isOpen, open] = useState(false);
  const [state, setState] = useState<'free' | 'occupied'>(now.state === 'free' ? 'occupied' : 'free');
  const [hours, setHours] = useState(String(HOURS[1]));
  const params = { path: { site: now.site, lot: now.lot, bay: now.bay } };
  const change = async (work: Promise<unknown>, done: string) => {
    try {
      await work;
      toast(done, 'good');
      open(false);
      onDone();
    } catch (error) {
      toastError(error);
    }
  };
  const set = () => {
    const until = new Date(Date.now() + Number(hours) * HOUR_MS).toISOString();
    const body = { state, until };
    return change(
      ask(api.PUT('/api/v1/lots/{site}/{lot}/bays/{bay}/manual', { params, body })),
      t('why.wasSet', { bay: now.bay }),
    );
  };
  const leave = () =>
    change(
      ask(api.DELETE('/api/v1/lots/{site}/{lot}/bays/{bay}/manual', { params })),
      t('why.wasLeft', { bay: now.bay }),
    );
  if (!isOpen)
    return (
      <p class="row">
        <Button size="small" icon={Hand} onClick={() => open(true)}>
          {t('why.set')}
        </Button>
        {isSet && (
          <Button size="small" quiet onClick={leave}>
            {t('why.leave')}
          </Button>
        )}
      </p>
    );
  return (
    <form
      class="by-hand stack"
      onSubmit={(event) => {
        event.preventDefault();
        void set();
      }}
    >
      <Segments
        label={t('lot.state')}
        value={state}
        options={(['free', 'occupied'] as const).map((value) => ({ value, label: t(`bay.${value}`) }))}
        onChange={setState}
      />
      <Select
        label={t('why.for')}
        value={hours}
        options={HOURS.map((each) => ({ value: String(each), label: t(`why.hours.${each}`) }))}
        onChange={setHours}
      />
      <p class="row">
        <Button type="submit" tone="primary" size="small">
          {t('why.setNow')}
        </Button>
        <Button size="small" quiet onClick={() => open(false)}>
          {t('action.cancel')}
        </Button>
      </p>
    </form>
  );
}
