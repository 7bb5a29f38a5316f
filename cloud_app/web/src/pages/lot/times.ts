/** The span that the time slider covers. */

export const DAYS = 7;
export const STEP_MS = 15 * 60_000;
const DAY_MS = 86_400_000;

export interface TimeSpan {
  startMs: number;
  endMs: number;
}

/** The last days, ending at the last whole step. */
export function sliderSpan(nowMs: number): TimeSpan {
  const endMs = Math.floor(nowMs / STEP_MS) * STEP_MS;
  return { startMs: endMs - DAYS * DAY_MS, endMs };
}

/** A moment of an address; null for now, for nonsense, and for what is out of the span. */
export function momentOf(text: string | undefined, { startMs, endMs }: TimeSpan): number | null {
  const ms = text ? Date.parse(text) : Number.NaN;
  return Number.isFinite(ms) && ms >= startMs && ms < endMs ? ms : null;
}

/** Midnights of a time zone within a span; two days a year are an hour shorter or longer. */
export function midnights({ startMs, endMs }: TimeSpan, zone: string | null): number[] {
  const hour = new Intl.DateTimeFormat('en-GB', {
    hour: 'numeric',
    minute: 'numeric',
    hourCycle: 'h23',
    ...(zone && { timeZone: zone }),
  });
  const found: number[] = [];
  for (let ms = Math.ceil(startMs / STEP_MS) * STEP_MS; ms <= endMs; ms += STEP_MS) {
    if (hour.format(ms) === '00:00') found.push(ms);
  }
  return found;
}
