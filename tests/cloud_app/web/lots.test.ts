import { expect, test } from 'vitest';
import type { Lot, LotFeatures } from '../../../cloud_app/web/src/api/types';
import {
  boundsOf,
  changed,
  filtered,
  hrefOf,
  listed,
  mapLots,
  outlinesOf,
  pointsOf,
} from '../../../cloud_app/web/src/pages/map/lots';

const lot = (name: string, counts: Partial<Lot['counts']>, more: Partial<Lot> = {}): Lot => {
  const { free = 0 } = counts;
  const none = { bays: 10, occupied: 0, free: 0, unknown: 0, stale: 0, closed: 0, blocked: 0 };
  const all = { ...none, capacity: 10, available: free, ...counts };
  const known = all.occupied + all.free;
  const occupancy = known ? all.occupied / known : null;
  return {
    site: 'north',
    lot: name,
    name: null,
    levels: [],
    location: null,
    counts: all,
    occupancy,
    ...more,
  };
};

const onMap = (each: Lot, point: [number, number], geometry?: object): LotFeatures['features'][number] => ({
  type: 'Feature',
  id: `${each.site}/${each.lot}`,
  geometry: (geometry ?? { type: 'Point', coordinates: point }) as never,
  properties: {
    site: each.site,
    lot: each.lot,
    name: each.name,
    point,
    ...each.counts,
    occupancy: each.occupancy,
    on_street: null,
    state: 'live',
  },
});

const FULL = lot('full', { occupied: 10 });
const ROOM = lot('room', { occupied: 5, free: 5 }, { name: 'Market hall' });
const AWAY = lot('away', { stale: 9, closed: 1 });
const SQUARE = {
  type: 'Polygon',
  coordinates: [
    [
      [13, 52],
      [13.1, 52],
      [13.1, 52.1],
      [13, 52],
    ],
  ],
};
const all = mapLots(
  {
    type: 'FeatureCollection',
    truncated: false,
    features: [onMap(FULL, [13, 52]), onMap(ROOM, [13.2, 52.2], SQUARE)],
  },
  [FULL, ROOM, AWAY],
);

test('lots without a place come after those of the map, each once', () => {
  expect(all.map(({ lot: name, point, state }) => [name, point, state])).toEqual([
    ['full', [13, 52], 'live'],
    ['room', [13.2, 52.2], 'live'],
    ['away', null, 'stale'],
  ]);
});

test('a change keeps place and outline, and one of another lot changes nothing', () => {
  const now = changed(all, [lot('room', { occupied: 6, free: 3, stale: 1 })]);
  expect(now[1]).toMatchObject({
    free: 3,
    state: 'part',
    point: [13.2, 52.2],
    name: 'Market hall',
    outline: SQUARE,
  });
  expect(now[0]).toBe(all[0]);
  expect(changed(all, [lot('elsewhere', {})])).toBe(all);
});

test.each([
  ['room', 'all', '', ['room']],
  ['MARKET', 'all', '', ['room']],
  ['', 'room', '', ['room']],
  ['', 'full', '', ['full']],
  ['', 'stale', '', ['away']],
  ['', 'all', 'south', []],
] as const)('search %j, show %s, site %j', (q, show, site, names) => {
  expect(filtered(all, { q, show, site }).map(({ lot: name }) => name)).toEqual(names);
});

test('the list has what is in view and what has no place, in order', () => {
  const seen = { west: 13.1, south: 52.1, east: 13.3, north: 52.3 };
  expect(listed(all, seen, 'full').map(({ lot: name }) => name)).toEqual(['room', 'away']);
  expect(listed(all, undefined, 'full').map(({ lot: name }) => name)).toEqual(['full', 'room', 'away']);
  expect(listed(all, undefined, 'free').map(({ lot: name }) => name)).toEqual(['room', 'away', 'full']);
});

test('the map begins at its lots, also at a single one', () => {
  expect(boundsOf(all)).toEqual({ west: 13, south: 52, east: 13.2, north: 52.2 });
  expect(boundsOf(all.slice(2))).toBeUndefined();
  const one = boundsOf(all.slice(0, 1));
  expect(one && one.east - one.west).toBeCloseTo(0.004);
});

test('points and outlines for the map', () => {
  expect(pointsOf(all).features.map(({ properties }) => properties?.title)).toEqual(['full', 'Market hall']);
  expect(outlinesOf(all).features).toHaveLength(1);
});

test('an id is no path', () => {
  expect(hrefOf({ site: 'a/b', lot: '?c' })).toBe('/lots/a%2Fb/%3Fc');
});
