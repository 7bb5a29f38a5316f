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

const HOUR_MS = 60 * MINUTE_MS;
const HOURS_AHEAD = 24;

/** The full hours of the next day, in time zones that are whole hours off: what people ask for. */
export function hoursAhead(nowMs: number): string[] {
  const first = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
  return Array.from({ length: HOURS_AHEAD }, (_, n) => new Date(first + (n + 1) * HOUR_MS).toISOString());
}
