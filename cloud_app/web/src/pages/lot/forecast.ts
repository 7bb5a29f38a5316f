import type { ForecastPoint } from '../../api/types';

const MINUTE_MS = 60_000;
const AHEAD_MIN = [30, 60, 120, 240, 480, 1440];

/** Of a forecast's points the ones nearest to half an hour, one, two, four and eight hours and a day. */
export function nearest(points: readonly ForecastPoint[], nowMs: number): ForecastPoint[] {
  const found = new Set<ForecastPoint>();
  for (const ahead of AHEAD_MIN) {
    const wanted = nowMs + ahead * MINUTE_MS;
    const off = (point: ForecastPoint) => Math.abs(Date.parse(point.at) - wanted);
    const best = points.reduce<ForecastPoint | undefined>(
      (best, point) => (best === undefined || off(point) < off(best) ? point : best),
      undefined,
    );
    if (best !== undefined) found.add(best);
  }
  return [...found];
}
