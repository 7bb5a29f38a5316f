/** Time zones: a site's times are shown in its own, wherever the reader is. */

import { signal } from '@preact/signals';

/** IANA time zones by site, as far as they are known. */
export const zones = signal<Readonly<Record<string, string | null>>>({});

/** The time zone of a site; null where it is not known: then times are the reader's. */
export const zoneOf = (site: string | null | undefined): string | null => (site && zones.value[site]) || null;

const formats = new Map<string, Intl.DateTimeFormat>();

function clock(zone: string | null): Intl.DateTimeFormat {
  const key = zone ?? '';
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat('en-GB', {
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
      hourCycle: 'h23',
      ...(zone && { timeZone: zone }),
    });
    formats.set(key, found);
  }
  return found;
}

/** What clocks of a zone show at a moment, as milliseconds of a clock without zone. */
export function clockMs(atMs: number, zone: string | null): number {
  const parts = Object.fromEntries(
    clock(zone)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, Number(value)]),
  ) as Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second', number>;
  const { year, month, day, hour, minute, second } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** Whether clocks of a zone differ from the reader's at a moment. */
export const differs = (atMs: number, zone: string | null): boolean =>
  zone !== null && clockMs(atMs, zone) !== clockMs(atMs, null);

const HOUR_MS = 3_600_000;

/**
 * The first moment at which clocks of a zone show a time, or, where they skip it, a later one.
 * A day may begin at 01:00, where clocks go forward at midnight, and have 23, 24 or 25 hours.
 * @param shownMs what clocks show, as `clockMs` has it
 */
export function momentAt(shownMs: number, zone: string | null): number {
  // No zone is more than 14 hours from UTC, and none changes twice within a day.
  const offsets = [shownMs - 15 * HOUR_MS, shownMs + 15 * HOUR_MS].map((at) => clockMs(at, zone) - at);
  const [early = shownMs, late = shownMs] = offsets.map((offset) => shownMs - offset).sort((a, b) => a - b);
  if (clockMs(early, zone) === shownMs) return early;
  if (clockMs(late, zone) === shownMs) return late;
  // Skipped: clocks went forward between the two.
  return late;
}
