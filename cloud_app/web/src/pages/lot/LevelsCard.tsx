/** The levels of a lot: how full each is, and setting the count of one that gates count. */

import { useState } from 'preact/hooks';
import { api, ask, askWithVersion } from '../../api/client';
import { useLive } from '../../api/live';
import type { LevelCount, LotCount } from '../../api/types';
import { useData } from '../../api/useData';
import { may } from '../../app/session';
import { Button } from '../../components/Button';
import { Card } from '../../components/Card';
import { Meter } from '../../components/counts';
import { Scroller } from '../../components/Form';
import { t } from '../../i18n';
import { count as number } from '../../i18n/format';
import { levelCounts, offeredOn } from './counted';
import { SetCount } from './SetCount';

interface OfLot {
  site: string;
  lot: string;
  counted: boolean;
}

const HALF_MINUTE_S = 30;

export function LevelsCard({ site, lot, counted }: OfLot) {
  const params = { path: { site, lot } };
  const [setting, setSetting] = useState<{ of: LevelCount; known: { data: LotCount; etag: string } }>();
  const levels = useData<readonly LevelCount[]>(
    `levels ${site}/${lot}`,
    (signal) => ask(api.GET('/api/v1/lots/{site}/{lot}/levels', { params, signal })),
    { everyS: HALF_MINUTE_S },
  );
  useLive(
    { lots: true },
    {
      lots: (changed) => changed.some((each) => each.site === site && each.lot === lot) && levels.reload(),
      resync: levels.reload,
    },
  );
  const open = async (of: LevelCount) =>
    setSetting({
      of,
      known: await askWithVersion(api.GET('/api/v1/lots/{site}/{lot}/count', { params })),
    });
  // A lot with one level has nothing to compare.
  if (!levels.data || levels.data.length < 2) return null;
  return (
    <Card title={t('levels.title')} flush>
      <Table levels={levels.data} onSet={counted && may('write') ? open : undefined} />
      {setting && (
        <SetCount
          site={site}
          lot={lot}
          level={setting.of}
          known={setting.known}
          onClose={() => {
            setSetting(undefined);
            levels.reload();
          }}
        />
      )}
    </Card>
  );
}

interface TableProps {
  levels: readonly LevelCount[];
  onSet: ((level: LevelCount) => void) | undefined;
}

function Table({ levels, onSet }: TableProps) {
  return (
    <Scroller>
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">{t('lot.level')}</th>
            <th scope="col" class="end">
              {t('levels.free')}
            </th>
            <th scope="col" class="end">
              {t('levels.vehicles')}
            </th>
            <th scope="col" class="wide">
              {t('levels.occupancy')}
            </th>
            {onSet && <td />}
          </tr>
        </thead>
        <tbody>
          {levels.map((level) => (
            <Row key={level.level} level={level} onSet={onSet} />
          ))}
        </tbody>
      </table>
    </Scroller>
  );
}

function Row({ level, onSet }: { level: LevelCount; onSet: TableProps['onSet'] }) {
  const isUnknown = level.source === null;
  return (
    <tr>
      <th scope="row">
        {level.level}
        {isUnknown && level.why && <small class="soft"> {t(`levels.why.${level.why}`)}</small>}
      </th>
      <td class="end num">
        {isUnknown && !level.free ? '–' : number(level.free)}
        {level.capacity !== null && (
          <small class="soft"> {t('count.of', { n: number(offeredOn(level)) })}</small>
        )}
      </td>
      <td class="end num">{isUnknown && !level.occupied ? '–' : number(level.occupied)}</td>
      <td>
        <Meter counts={levelCounts(level)} />
      </td>
      {onSet && (
        <td class="end">
          {level.why !== 'no_gate' && (
            <Button
              size="small"
              aria-label={t('levels.set', { level: level.level })}
              onClick={() => onSet(level)}
            >
              {t('count.set')}
            </Button>
          )}
        </td>
      )}
    </tr>
  );
}
