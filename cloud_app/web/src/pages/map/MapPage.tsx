/** The city: every lot and how full it is, on a map and as the list of those in view. */

import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import { useLive } from '../../api/live';
import type { Lot, Overview } from '../../api/types';
import { useData } from '../../api/useData';
import type { Box } from '../../components/graticule';
import { preloadMap } from '../../components/MapView';
import { useTitle } from '../../components/Page';
import { Loaded, Notice, Skeleton } from '../../components/states';
import { useListQuery } from '../../components/useListQuery';
import { t } from '../../i18n';
import { count } from '../../i18n/format';
import { CityMap } from './CityMap';
import { LotCard } from './LotCard';
import { LotList } from './LotList';
import { changed, FILTERS, filtered, type MapLot, mapLots, type Show, SORTS, type Sort } from './lots';
import { Overview as OverviewStrip } from './Overview';
import { Scale } from './Scale';
import './map.css';

preloadMap();

const NONE: readonly MapLot[] = [];
const WORLD = '-180,-90,180,90';
const LOTS_MAX = 5000;
const MINUTE_S = 60;

interface CityLots {
  lots: readonly MapLot[];
  /** There are more than a map can show at once. */
  isTruncated: boolean;
}

async function loadLots(signal: AbortSignal): Promise<CityLots> {
  const query = { bbox: WORLD, limit: LOTS_MAX };
  const [features, lots] = await Promise.all([
    ask(api.GET('/api/v1/map/lots', { params: { query }, signal })),
    ask(api.GET('/api/v1/lots', { signal })),
  ]);
  return { lots: mapLots(features, lots), isTruncated: features.truncated };
}

const oneOf = <T extends string>(known: readonly T[], text: string | undefined): T =>
  known.find((each) => each === text) ?? (known[0] as T);

export function MapPage() {
  useTitle(t('nav.map'));
  // Ages move on without any event.
  const lots = useData('map lots', loadLots, { everyS: MINUTE_S });
  const overview = useData<Overview>('overview', (signal) => ask(api.GET('/api/v1/overview', { signal })), {
    everyS: MINUTE_S,
  });
  const patch = (change: (now: readonly MapLot[]) => readonly MapLot[]) =>
    lots.patch((now) => ({ ...now, lots: change(now.lots) }));
  useLiveLots(patch, () => {
    lots.reload();
    overview.reload();
  });
  return (
    <div class="city">
      <h1 class="sr-only">{t('map.title')}</h1>
      {/* One key: the map is made while the lots are on their way, and stays. */}
      <Loaded of={lots} skeleton={<City key="city" all={NONE} isLoading />}>
        {({ lots: all, isTruncated }) => (
          <City key="city" all={all} isTruncated={isTruncated} overview={overview.data} />
        )}
      </Loaded>
    </div>
  );
}

const APPLY_MS = 500;

/** Changes of lots, gathered: a busy city changes all the time, and each drawing costs. */
function useLiveLots(
  patch: (change: (now: readonly MapLot[]) => readonly MapLot[]) => void,
  resync: () => void,
): void {
  const waiting = useRef<Lot[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const apply = () => {
    timer.current = undefined;
    const news = waiting.current;
    waiting.current = [];
    patch((now) => changed(now, news));
  };
  useLive(
    { lots: true },
    {
      lots: (news) => {
        waiting.current.push(...news);
        timer.current ??= setTimeout(apply, APPLY_MS);
      },
      resync,
    },
  );
  useEffect(() => () => clearTimeout(timer.current), []);
}

interface CityProps {
  all: readonly MapLot[];
  isLoading?: boolean;
  isTruncated?: boolean;
  overview?: Overview | undefined;
}

function City({ all, isLoading = false, isTruncated = false, overview }: CityProps) {
  const query = useListQuery(['show', 'site']);
  const [seen, setSeen] = useState<Box>();
  const [marked, setMarked] = useState('');
  const [picked, setPicked] = useState<string | null>(null);
  const { q = '', site = '' } = query.values;
  const show = oneOf<Show>(FILTERS, query.values.show);
  const sort = oneOf<Sort>(SORTS, query.values.sort);
  const onMap = useMemo(() => filtered(all, { q, show, site }), [all, q, show, site]);
  const onPick = useCallback((key: string | null) => setPicked(key), []);

  if (!all.length && !isLoading) {
    return (
      <Notice title={t('map.empty')}>
        <p>{t('map.emptyHint')}</p>
      </Notice>
    );
  }
  const pickedLot = picked === null ? undefined : all.find(({ key }) => key === picked);
  return (
    <>
      <section class="city-map" aria-label={t('map.title')}>
        <CityMap all={all} lots={onMap} marked={marked || (picked ?? '')} onView={setSeen} onPick={onPick} />
        <Scale />
        {isTruncated && (
          <p class="map-note card small" role="status">
            {t('map.truncated', { n: count(LOTS_MAX) })}
          </p>
        )}
        {pickedLot && <LotCard lot={pickedLot} onClose={() => setPicked(null)} />}
      </section>
      <section class="city-list" aria-label={t('map.lots')}>
        {overview && <OverviewStrip of={overview} />}
        {isLoading ? (
          <Skeleton lines={12} />
        ) : (
          <LotList lots={onMap} seen={seen} query={query} show={show} sort={sort} onMark={setMarked} />
        )}
      </section>
    </>
  );
}
