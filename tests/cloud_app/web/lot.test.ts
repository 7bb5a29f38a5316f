import { expect, test } from 'vitest';
import type { Bay, Plan, SeriesPoint } from '../../../cloud_app/web/src/api/types';
import { areaPath } from '../../../cloud_app/web/src/pages/lot/area';
import {
  changedBays,
  countsOf,
  grouped,
  lotBays,
  occupancyOf,
  viewsOf,
} from '../../../cloud_app/web/src/pages/lot/bays';
import { midnights, momentOf, STEP_MS, sliderSpan } from '../../../cloud_app/web/src/pages/lot/times';

const bay = (name: string, more: Partial<Bay> = {}): Bay => ({
  site: 'north',
  lot: 'p1',
  zone: null,
  level: null,
  edge: 'box',
  bay: name,
  camera: 'cam',
  kind: 'standard',
  angle: 'perpendicular',
  state: 'free',
  closed: false,
  reason: null,
  conf: 0.9,
  since: null,
  stale: false,
  available: true,
  reconciled: false,
  ...more,
});

const planned = (name: string, more: Partial<Plan['bays'][number]> = {}): Plan['bays'][number] => ({
  edge: 'box',
  bay: name,
  camera: 'cam',
  level: '1',
  zone: 'A',
  kind: 'standard',
  angle: 'perpendicular',
  ground: null,
  picture: null,
  label: name.toUpperCase(),
  ...more,
});

const plan = (...bays: Plan['bays']): Plan => ({
  site: 'north',
  lot: 'p1',
  name: null,
  time_zone: null,
  levels: [],
  point: null,
  outline: null,
  bays,
  counted: false,
});

test('a bay of the plan without a state is unknown, one without a place is there all the same', () => {
  const found = lotBays(plan(planned('a1'), planned('a2')), [bay('a2', { state: 'occupied' }), bay('a3')]);
  expect(found.map(({ label, state, level }) => [label, state, level])).toEqual([
    ['A1', 'unknown', '1'],
    ['A2', 'occupied', '1'],
    ['a3', 'free', null],
  ]);
});

test('each bay counts once: closed before stale before what was said', () => {
  const bays = lotBays(undefined, [
    bay('a1', { closed: true, stale: true }),
    bay('a2', { stale: true, state: 'occupied' }),
    bay('a3', { state: 'occupied' }),
    bay('a4', { state: 'unknown' }),
    bay('a5', { blocked: 'neighbour' }),
  ]);
  const counts = countsOf(bays);
  expect(counts).toEqual({
    bays: 5,
    occupied: 1,
    free: 1,
    unknown: 1,
    stale: 1,
    closed: 1,
    blocked: 1,
    capacity: 4,
    available: 0,
  });
  expect(occupancyOf(counts)).toBe(0.5);
  expect(occupancyOf({ ...counts, occupied: 0, free: 0 })).toBeNull();
});

test('two boxes may name a bay alike', () => {
  const states = [bay('a1'), bay('a1', { edge: 'other', state: 'occupied' })];
  const now = changedBays(states, [bay('a1', { state: 'unknown' }), bay('a9')]);
  expect(now.map(({ edge, bay: name, state }) => `${edge}/${name} ${state}`)).toEqual([
    'box/a1 unknown',
    'other/a1 occupied',
    'box/a9 free',
  ]);
});

test('the best view first, by what is known', () => {
  const corners: [number, number][] = [
    [0, 0],
    [1, 0],
    [1, 1],
  ];
  expect(viewsOf(lotBays(undefined, [bay('a1')]))).toEqual(['grid', 'list']);
  expect(viewsOf(lotBays(plan(planned('a1', { picture: corners })), []))).toEqual([
    'picture',
    'grid',
    'list',
  ]);
  expect(viewsOf(lotBays(plan(planned('a1', { ground: corners, picture: corners })), []))[0]).toBe('ground');
  // Two corners are no outline.
  expect(viewsOf(lotBays(plan(planned('a1', { ground: corners.slice(1) })), []))).toEqual(['grid', 'list']);
});

test('groups in natural order, those without last', () => {
  const bays = lotBays(
    undefined,
    ['10', '2', null].map((zone, i) => bay(`b${i}`, { zone })),
  );
  expect(grouped(bays, ({ zone }) => zone).map(([zone]) => zone)).toEqual(['2', '10', '']);
});

test('a moment of the address counts only within the slider', () => {
  const span = sliderSpan(Date.parse('2026-11-30T12:07:00Z'));
  expect(new Date(span.endMs).toISOString()).toBe('2026-11-30T12:00:00.000Z');
  expect(momentOf('2026-11-29T08:15:00Z', span)).toBe(Date.parse('2026-11-29T08:15:00Z'));
  for (const text of [undefined, '', 'yesterday', '2026-11-30T12:00:00Z', '2020-01-01T00:00:00Z']) {
    expect(momentOf(text, span)).toBeNull();
  }
});

test('a day that is an hour longer has its midnight all the same', () => {
  const span = sliderSpan(Date.parse('2026-10-27T12:00:00Z'));
  const found = midnights(span, 'Europe/Berlin').map((ms) => new Date(ms).toISOString().slice(5, 16));
  expect(found).toEqual([
    '10-20T22:00',
    '10-21T22:00',
    '10-22T22:00',
    '10-23T22:00',
    '10-24T22:00',
    '10-25T23:00',
    '10-26T23:00',
  ]);
});

test('an area breaks where nothing was known', () => {
  const span = { startMs: 0, endMs: 4 * STEP_MS };
  const points = [0.5, 1, null, 0.25, 0].map(
    (occupancy, i) => ({ start: new Date(i * STEP_MS).toISOString(), occupancy }) as SeriesPoint,
  );
  expect(areaPath(points, span, { width: 100, height: 10 })).toBe(
    'M0.0,10 L0.0,5.0 L25.0,0.0 L25.0,10 Z M75.0,10 L75.0,7.5 L100.0,10.0 L100.0,10 Z',
  );
  expect(areaPath([], span, { width: 100, height: 10 })).toBe('');
});
