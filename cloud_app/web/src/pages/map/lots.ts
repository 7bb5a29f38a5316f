/** Lots as the map and its list use them: pure, so that they can be tested without a map. */

import type { Lot, LotFeatures, LotProperties } from '../../api/types';
import type { Box } from '../../components/graticule';
import { matches } from '../../components/sorting';

export type Geometry = Record<string, unknown> | null;

export interface MapLot extends Omit<LotProperties, 'point'> {
  key: string;
  /** Longitude and latitude; null where nobody has said where the lot is. */
  point: [number, number] | null;
  outline: Geometry;
}

export const keyOf = ({ site, lot }: { site: string; lot: string }) => `${site}/${lot}`;
export const titleOf = ({ name, lot }: { name: string | null; lot: string }) => name || lot;
export const hrefOf = ({ site, lot }: { site: string; lot: string }) =>
  `/lots/${encodeURIComponent(site)}/${encodeURIComponent(lot)}`;

/** The map's lots, and after them those that nobody has given a place. */
export function mapLots({ features }: LotFeatures, all: readonly Lot[]): MapLot[] {
  const placed = features.map(({ geometry, properties }) => ({
    ...properties,
    key: keyOf(properties),
    point: pair(properties.point),
    outline: geometry && String(geometry.type).endsWith('Polygon') ? geometry : null,
  }));
  const known = new Set(placed.map(({ key }) => key));
  const others = all
    .filter((lot) => !known.has(keyOf(lot)))
    .map((lot) =>
      withCounts(
        {
          site: lot.site,
          lot: lot.lot,
          name: lot.name,
          key: keyOf(lot),
          point: null,
          outline: null,
          on_street: null,
        },
        lot,
      ),
    );
  return [...placed, ...others];
}

function pair(point: readonly number[] | null): [number, number] | null {
  const [lon, lat] = point ?? [];
  return lon === undefined || lat === undefined ? null : [lon, lat];
}

type Place = Pick<MapLot, 'site' | 'lot' | 'name' | 'key' | 'point' | 'outline' | 'on_street'>;

function withCounts(place: Place, { counts, occupancy, name }: Lot): MapLot {
  const isStale = counts.stale > 0;
  const state = !isStale ? 'live' : counts.stale >= counts.bays - counts.closed ? 'stale' : 'part';
  return { ...place, ...counts, name: place.name ?? name, occupancy, state };
}

/** The lots after some have changed; the same list where none of them is on it. */
export function changed(lots: readonly MapLot[], news: readonly Lot[]): readonly MapLot[] {
  const byKey = new Map(news.map((lot) => [keyOf(lot), lot]));
  if (!lots.some(({ key }) => byKey.has(key))) return lots;
  return lots.map((lot) => {
    const now = byKey.get(lot.key);
    return now ? withCounts(lot, now) : lot;
  });
}

/** The smallest window over all lots, widened where they lie at one place; undefined for none. */
export function boundsOf(lots: readonly MapLot[]): Box | undefined {
  const points = lots.flatMap(({ point }) => (point ? [point] : []));
  if (!points.length) return undefined;
  const [lons, lats] = [points.map(([lon]) => lon), points.map(([, lat]) => lat)];
  const box = {
    west: Math.min(...lons),
    south: Math.min(...lats),
    east: Math.max(...lons),
    north: Math.max(...lats),
  };
  const margin = 0.002;
  return box.east - box.west > margin || box.north - box.south > margin
    ? box
    : {
        west: box.west - margin,
        south: box.south - margin,
        east: box.east + margin,
        north: box.north + margin,
      };
}

export const inBox = ([lon, lat]: readonly [number, number], { west, south, east, north }: Box) =>
  west <= lon && lon <= east && south <= lat && lat <= north;

export const SORTS = ['full', 'free', 'name', 'size'] as const;
export type Sort = (typeof SORTS)[number];
export const FILTERS = ['all', 'room', 'full', 'stale'] as const;
export type Show = (typeof FILTERS)[number];

export interface Wanted {
  q: string;
  show: Show;
  sort: Sort;
  site: string;
}

const SHOWS: Record<Show, (lot: MapLot) => boolean> = {
  all: () => true,
  room: ({ available }) => available > 0,
  full: ({ occupancy }) => occupancy !== null && occupancy >= 0.98,
  stale: ({ state }) => state !== 'live',
};

// One for all: `localeCompare` makes its own each time, and a list of thousands is sorted at each move.
const { compare } = new Intl.Collator(undefined, { numeric: true });
const byName = (a: MapLot, b: MapLot) => compare(titleOf(a), titleOf(b));
const ORDERS: Record<Sort, (a: MapLot, b: MapLot) => number> = {
  // What is not known comes last, in whichever order.
  full: (a, b) => (b.occupancy ?? -1) - (a.occupancy ?? -1),
  free: (a, b) => b.free - a.free,
  size: (a, b) => b.bays - a.bays,
  name: byName,
};

/** What the filters leave, wherever it lies: what the map draws. */
export function filtered(lots: readonly MapLot[], { q, show, site }: Omit<Wanted, 'sort'>): MapLot[] {
  return lots.filter(
    (lot) =>
      SHOWS[show](lot) &&
      (!site || lot.site === site) &&
      (!q || matches(`${titleOf(lot)} ${lot.lot} ${lot.site}`, q)),
  );
}

/** Of these, in order, those within a window; lots without a place count as within. */
export function listed(lots: readonly MapLot[], seen: Box | undefined, sort: Sort): MapLot[] {
  const order = ORDERS[sort];
  return lots
    .filter(({ point }) => !seen || !point || inBox(point, seen))
    .sort((a, b) => order(a, b) || byName(a, b));
}

/** Points for the map, without what it does not draw. */
export function pointsOf(lots: readonly MapLot[]): GeoJSON.FeatureCollection {
  const features = lots.flatMap((lot): GeoJSON.Feature[] => {
    if (!lot.point) return [];
    const { key, free, occupied, bays, state } = lot;
    const properties = { key, free, occupied, bays, state, title: titleOf(lot) };
    return [{ type: 'Feature', properties, geometry: { type: 'Point', coordinates: lot.point } }];
  });
  return { type: 'FeatureCollection', features };
}

export function outlinesOf(lots: readonly MapLot[]): GeoJSON.FeatureCollection {
  const features = lots.flatMap(({ key, free, occupied, outline }): GeoJSON.Feature[] =>
    outline
      ? [
          {
            type: 'Feature',
            properties: { key, free, occupied },
            geometry: outline as unknown as GeoJSON.Geometry,
          },
        ]
      : [],
  );
  return { type: 'FeatureCollection', features };
}
