/** A lot's bays: where they lie and how they are, put together for plan, list and figures. */

import type { Bay, Counts, Plan, PlanBay } from '../../api/types';
import { type BayState, stateOf } from '../../components/counts';

export type Point = readonly [number, number];

export interface LotBay {
  /** `edge/bay`: two boxes may name a bay alike. */
  key: string;
  label: string;
  level: string | null;
  zone: string | null;
  camera: string;
  kind: string;
  /** Corners on the ground, longitude and latitude. */
  ground: readonly Point[] | null;
  /** Corners in the camera's picture, as fractions. */
  picture: readonly Point[] | null;
  /** Null where the plan has a bay of which nothing was ever said. */
  now: Bay | null;
  state: BayState;
}

export const keyOf = ({ edge, bay }: { edge: string; bay: string }) => `${edge}/${bay}`;

const points = (corners: readonly (readonly number[])[] | null): Point[] | null =>
  corners && corners.length >= 3 ? corners.map(([x = 0, y = 0]) => [x, y]) : null;

/** Bays of the plan with their states, and those that only the states know. */
export function lotBays(plan: Plan | undefined, states: readonly Bay[]): LotBay[] {
  const planned = new Map((plan?.bays ?? []).map((bay) => [keyOf(bay), bay]));
  const known = new Map(states.map((bay) => [keyOf(bay), bay]));
  const keys = [...new Set([...planned.keys(), ...known.keys()])];
  return keys.map((key) => {
    const now = known.get(key) ?? null;
    const drawn = planned.get(key);
    const facts = (drawn ?? now) as PlanBay | Bay;
    return {
      key,
      label: drawn?.label || facts.bay,
      level: drawn?.level ?? now?.level ?? null,
      zone: drawn?.zone ?? now?.zone ?? null,
      camera: facts.camera,
      kind: facts.kind,
      ground: points(drawn?.ground ?? null),
      picture: points(drawn?.picture ?? null),
      now,
      state: now ? stateOf(now) : 'unknown',
    };
  });
}

/** Each bay counts once; those that are free but blocked are in `blocked` too. Reserved and closed bays
 * are no driver's: neither capacity nor available. A blocked one is capacity, but not available. */
export function countsOf(bays: readonly Pick<LotBay, 'state' | 'kind' | 'now'>[]): Counts {
  const counts = { bays: bays.length, occupied: 0, free: 0, unknown: 0, stale: 0, closed: 0, blocked: 0 };
  let [capacity, available] = [0, 0];
  for (const { state, kind, now } of bays) {
    const isBlocked = state === 'free' && Boolean(now?.blocked);
    counts[state] += 1;
    if (isBlocked) counts.blocked += 1;
    if (kind === 'reserved' || state === 'closed') continue;
    capacity += 1;
    if (state === 'free' && !isBlocked) available += 1;
  }
  return { ...counts, capacity, available };
}

/** A source as people know it: of a box its camera, else its own name. */
export function nameOfSource(source: string): string {
  const [edge, camera] = source.split('/');
  return camera && edge ? `${camera} (${edge})` : source;
}

export function occupancyOf({ occupied, free }: Counts): number | null {
  return occupied + free ? occupied / (occupied + free) : null;
}

/** States after some have changed. */
export function changedBays(states: readonly Bay[], news: readonly Bay[]): readonly Bay[] {
  const byKey = new Map(news.map((bay) => [keyOf(bay), bay]));
  const kept = states.map((bay) => {
    const now = byKey.get(keyOf(bay));
    byKey.delete(keyOf(bay));
    return now ?? bay;
  });
  return [...kept, ...byKey.values()];
}

export const VIEWS = ['ground', 'picture', 'grid', 'list'] as const;
export type View = (typeof VIEWS)[number];

/** The ways to show these bays, the best first. A list there always is. */
export function viewsOf(bays: readonly LotBay[]): View[] {
  const views: View[] = [];
  if (bays.some(({ ground }) => ground)) views.push('ground');
  if (bays.some(({ picture }) => picture)) views.push('picture');
  return [...views, 'grid', 'list'];
}

/** Groups by a text, in natural order; what has none comes last, under ''. */
export function grouped(bays: readonly LotBay[], by: (bay: LotBay) => string | null): [string, LotBay[]][] {
  const groups = new Map<string, LotBay[]>();
  for (const bay of bays) {
    const name = by(bay) ?? '';
    groups.set(name, [...(groups.get(name) ?? []), bay]);
  }
  return [...groups].sort(([a], [b]) => (a === '' ? 1 : b === '' ? -1 : natural(a, b)));
}

export const natural = (a: string, b: string) => a.localeCompare(b, undefined, { numeric: true });

/** The middle of some corners. */
export function middle(corners: readonly Point[]): Point {
  const sum = (axis: 0 | 1) => corners.reduce((total, corner) => total + corner[axis], 0) / corners.length;
  return [sum(0), sum(1)];
}
