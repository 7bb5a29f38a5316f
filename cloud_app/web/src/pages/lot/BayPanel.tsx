/** All about one bay: how it is, who says so, and how it was. */

import { X } from 'lucide-preact';
import { useRef } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { BayByEye, Stay } from '../../api/types';
import { useData } from '../../api/useData';
import { IconButton } from '../../components/Button';
import { Dot, StateWord } from '../../components/counts';
import { Loaded } from '../../components/states';
import { Ago, At } from '../../components/Time';
import { t, word } from '../../i18n';
import { percent, span } from '../../i18n/format';
import type { LotBay } from './bays';
import { type AskedBays, ByEye } from './EyeCard';
import { Why } from './WhyCard';

const WEEK_MS = 7 * 86_400_000;
const STAYS_MAX = 100;

interface PanelProps {
  bay: LotBay;
  zone: string | null;
  /** The bays that boxes ask about; null for another moment than now. */
  asked: AskedBays | null;
  onClose: () => void;
}

export function BayPanel({ bay, zone, asked, onClose }: PanelProps) {
  const { now, state } = bay;
  const question = useQuestion(bay, asked);
  return (
    <aside class="card bay-panel" aria-label={t('lot.bayOf', { bay: bay.label })}>
      <header>
        <Dot state={state} />
        <h2 class="clip">{t('lot.bayOf', { bay: bay.label })}</h2>
        <IconButton label={t('action.close')} icon={X} quiet size="small" onClick={onClose} />
      </header>
      <div class="body stack">
        {now ? <Facts bay={bay} now={now} zone={zone} /> : <p class="soft">{t('lot.nothingSaid')}</p>}
        {asked && question && <ByEye key={bay.key} bay={question} onDone={asked.reload} />}
        {now && <Why now={now} zone={zone} />}
        {now && <History edge={now.edge} bay={now.bay} since={now.since} zone={zone} />}
      </div>
    </aside>
  );
}

/** What is asked about a bay. An answered question stays until another bay is looked at, to show what
 * became of the answer. */
function useQuestion({ key, now }: LotBay, asked: AskedBays | null): BayByEye | undefined {
  const kept = useRef<{ key: string; question?: BayByEye }>({ key });
  const question = asked?.data?.find((each) => each.bay === now?.bay);
  if (kept.current.key !== key || question) kept.current = question ? { key, question } : { key };
  return kept.current.question;
}

function Facts({ bay, now, zone }: { bay: LotBay; now: NonNullable<LotBay['now']>; zone: string | null }) {
  const rows: [string, preact.ComponentChildren][] = [
    [t('lot.state'), <StateWord key="state" state={bay.state} />],
    [t('lot.lastSaid'), bay.state === now.state ? null : <StateWord key="said" state={now.state} />],
    [t('lot.reason'), now.reason && word('reason', now.reason)],
    [t('lot.blocked'), now.blocked && word('blocked', now.blocked)],
    [
      t('lot.since'),
      now.since && (
        <span key="since">
          <At at={now.since} zone={zone} />{' '}
          <span class="soft">
            (<Ago at={now.since} zone={zone} />)
          </span>
        </span>
      ),
    ],
    [
      t('lot.confidence'),
      now.conf === null ? null : (
        <span key="conf" class="num">
          {percent(now.conf)}
        </span>
      ),
    ],
    [
      t('lot.source'),
      // Several sources are told one by one below.
      !now.reconciled && (
        <span key="source">
          {now.camera === 'sensors' ? t('lot.sourceSensors') : t('lot.sourceCamera', { camera: now.camera })}{' '}
          · <a href={`/edges/${encodeURIComponent(now.edge)}`}>{now.edge}</a>
        </span>
      ),
    ],
    [t('lot.zone'), bay.zone],
    [t('lot.level'), bay.level],
    [t('lot.kind'), word('bayKind', bay.kind)],
    [t('lot.available'), t(now.available ? 'lot.isAvailable' : 'lot.isNotAvailable')],
  ];
  return (
    <dl class="facts">
      {rows.map(
        ([head, value]) => value && [<dt key={head}>{head}</dt>, <dd key={`${head} value`}>{value}</dd>],
      )}
    </dl>
  );
}

interface HistoryProps {
  edge: string;
  bay: string;
  /** With each change of the bay the history is asked for again. */
  since: string | null;
  zone: string | null;
}

function History({ edge, bay, since, zone }: HistoryProps) {
  const stays = useData<readonly Stay[]>(`stays ${edge}/${bay} ${since}`, (signal) => {
    const start = new Date(Date.now() - WEEK_MS).toISOString();
    const params = { path: { edge, bay }, query: { start, limit: STAYS_MAX } };
    return ask(api.GET('/api/v1/edges/{edge}/bays/{bay}/history', { params, signal }));
  });
  return (
    <section aria-label={t('lot.history')}>
      <h3>{t('lot.history')}</h3>
      <Loaded of={stays}>
        {(found) =>
          found.length ? (
            <ol class="stays">
              {found.map((stay) => (
                <StayRow key={stay.start} stay={stay} zone={zone} />
              ))}
            </ol>
          ) : (
            <p class="soft small">{t('lot.noHistory')}</p>
          )
        }
      </Loaded>
    </section>
  );
}

function StayRow({ stay, zone }: { stay: Stay; zone: string | null }) {
  const state = stay.closed ? 'closed' : stay.state;
  const notes = [
    stay.reason && word('reason', stay.reason),
    stay.cause !== 'detection' && word('cause', stay.cause),
    !stay.certain && t('lot.eventsMissing'),
  ].filter(Boolean);
  return (
    <li>
      <Dot state={state} />
      <span class="grow">
        {t(`bay.${state}`)}
        {notes.length > 0 && <small class="soft"> · {notes.join(' · ')}</small>}
        <br />
        <span class="soft small">
          <At at={stay.start} zone={zone} />
        </span>
      </span>
      <span class="num nowrap">{stay.dwell_s === null ? t('lot.lasts') : span(stay.dwell_s)}</span>
    </li>
  );
}
