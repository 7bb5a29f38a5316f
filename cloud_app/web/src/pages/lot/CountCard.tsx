/** A lot that is counted at its gates: how many are in it, why we think so, and setting it by hand. */

import { useState } from 'preact/hooks';
import { api, askWithVersion } from '../../api/client';
import { useLive } from '../../api/live';
import type { LotCount, TrueCount } from '../../api/types';
import { useData } from '../../api/useData';
import { may } from '../../app/session';
import { Button } from '../../components/Button';
import { Card } from '../../components/Card';
import { Figure, Meter } from '../../components/counts';
import { type Fact, Facts } from '../../components/Form';
import { Loaded } from '../../components/states';
import { At } from '../../components/Time';
import { t, word } from '../../i18n';
import { count as number } from '../../i18n/format';
import { countedOf } from './counted';
import { SetCount } from './SetCount';

interface OfLot {
  site: string;
  lot: string;
  zone: string | null;
}

const HALF_MINUTE_S = 30;

export function CountCard({ site, lot, zone }: OfLot) {
  const path = { site, lot };
  const [isSetting, setSetting] = useState(false);
  const of = useData<{ data: LotCount; etag: string }>(
    `count ${site}/${lot}`,
    (signal) => askWithVersion(api.GET('/api/v1/lots/{site}/{lot}/count', { params: { path }, signal })),
    { everyS: HALF_MINUTE_S },
  );
  useLive(
    { lots: true },
    {
      lots: (changed) => changed.some((each) => each.site === site && each.lot === lot) && of.reload(),
      resync: of.reload,
    },
  );
  return (
    <Card
      title={t('count.title')}
      tools={
        may('write') &&
        of.data && (
          <Button size="small" onClick={() => setSetting(true)}>
            {t('count.set')}
          </Button>
        )
      }
    >
      <Loaded of={of}>{(found) => <Count count={found.data} zone={zone} />}</Loaded>
      {isSetting && of.data && (
        <SetCount
          site={site}
          lot={lot}
          known={of.data}
          onClose={() => {
            setSetting(false);
            of.reload();
          }}
        />
      )}
    </Card>
  );
}

function Count({ count, zone }: { count: LotCount; zone: string | null }) {
  const counts = countedOf(count);
  return (
    <div class="stack">
      {count.why && (
        <p class="banner rounded" role="status">
          {t(`count.why.${count.why}`)}
        </p>
      )}
      <div class="figures">
        <Figure
          label={t('count.free')}
          state="free"
          value={count.free ?? '–'}
          {...(count.offered !== null && { of: t('count.of', { n: number(count.offered) }) })}
        />
        <Figure label={t('count.vehicles')} state="occupied" value={count.count ?? '–'} />
        <Figure label={t('count.inToday')} value={count.in_today} />
        <Figure label={t('count.outToday')} value={count.out_today} />
      </div>
      {counts && <Meter counts={counts} />}
      <Facts facts={factsOf(count, zone)} />
    </div>
  );
}

function factsOf(count: LotCount, zone: string | null): Fact[] {
  const { offered, capacity, closed, held_back: heldBack, low, high } = count;
  const less = [closed && t('count.closed', { n: closed }), heldBack && t('count.heldBack', { n: heldBack })];
  const basis =
    offered !== null &&
    capacity !== null &&
    [
      t('count.basisOf', { offered: number(offered), capacity: number(capacity) }),
      ...less.filter(Boolean),
    ].join(', ');
  return [
    [t('count.source'), count.count !== null && count.source && word('count.source', count.source)],
    [t('count.basis'), basis],
    [t('count.boundsHead'), count.watched > 0 && t('count.bounds', { low, high })],
    // Shown where it says more than the count.
    [t('count.balance'), count.balance !== count.count && count.balance !== null && number(count.balance)],
    [t('count.lastTrue'), count.last_true && <TrueLine line={count.last_true} zone={zone} />],
    [
      t('count.drift'),
      count.last_true &&
        (count.last_true.drift === null ? t('count.driftNone') : driftText(count.last_true.drift)),
    ],
  ];
}

const driftText = (drift: number) => t('count.driftOf', { n: drift > 0 ? `+${drift}` : String(drift) });

function TrueLine({ line, zone }: { line: TrueCount; zone: string | null }) {
  return (
    <>
      <span class="num strong">{number(line.count)}</span> · <At at={line.at} zone={zone} /> ·{' '}
      {word('count.cause', line.cause)}
      {line.by && ` (${line.by})`}
      {line.note && <div class="small soft">{line.note}</div>}
    </>
  );
}
