/** Numbers, times and spans as people read them, in the reader's language and a site's time zone. */

import { language, t } from './index';
import { differs, momentAt } from './zones';

const made = new Map<string, Intl.DateTimeFormat>();

/** Making a format is slow, and lists need the same one for each row. */
function dateFormat(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const locale = language.value === 'en' ? 'en-GB' : language.value;
  const key = locale + JSON.stringify(options);
  let found = made.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(locale, options);
    made.set(key, found);
  }
  return found;
}

type When = string | number | Date;
const asDate = (when: When) => (when instanceof Date ? when : new Date(when));
const zoned = (zone: string | null | undefined) => (zone ? { timeZone: zone } : {});

export const timeOfDay = (when: When, zone?: string | null) =>
  dateFormat({ hour: '2-digit', minute: '2-digit', ...zoned(zone) }).format(asDate(when));

export const day = (when: When, zone?: string | null) =>
  dateFormat({ weekday: 'short', day: 'numeric', month: 'short', ...zoned(zone) }).format(asDate(when));

const DAY_AND_TIME = { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' } as const;

export const dayAndTime = (when: When, zone?: string | null) =>
  dateFormat({ ...DAY_AND_TIME, ...zoned(zone) }).format(asDate(when));

/** Day and time of a site; with its zone where clocks there differ from the reader's. */
export function siteTime(when: When, zone: string | null): string {
  if (!differs(asDate(when).getTime(), zone)) return dayAndTime(when, zone);
  return dateFormat({ ...DAY_AND_TIME, timeZoneName: 'short', ...zoned(zone) }).format(asDate(when));
}

/** The whole moment, with its zone, for titles. */
export const fullTime = (when: When, zone?: string | null) =>
  dateFormat({ dateStyle: 'full', timeStyle: 'long', ...zoned(zone) }).format(asDate(when));

export const count = (n: number) => n.toLocaleString(language.value);

/** A number with so many digits after the point, or the comma. */
export const fixed = (n: number, digits: number) =>
  n.toLocaleString(language.value, { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** A share as whole per cent; 99.6 % is not rounded up to a promise of 100. */
export function percent(share: number): string {
  const whole = share >= 0.995 && share < 1 ? 99 : Math.round(share * 100);
  return `${whole} %`;
}

/** Seconds as one or two units. */
export function span(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} ${t('unit.s')}`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} ${t('unit.min')}`;
  const hours = Math.floor(minutes / 60);
  if (hours < 10) {
    const rest = minutes % 60;
    return rest ? `${hours} ${t('unit.h')} ${rest} ${t('unit.min')}` : `${hours} ${t('unit.h')}`;
  }
  if (hours < 48) return `${Math.round(minutes / 60)} ${t('unit.h')}`;
  return `${Math.round(minutes / 1440)} ${t('unit.d')}`;
}

/** How long ago a moment was; a clock that is ahead of ours is no future. */
export function ago(when: When, nowMs = Date.now()): string {
  const seconds = Math.max(0, (nowMs - asDate(when).getTime()) / 1000);
  return seconds < 5 ? t('time.now') : t('time.ago', { span: span(seconds) });
}

/**
 * A day of a date field, as the moment it begins, or ends with `isEnd`; null if it is none.
 * @param zone of the site; null: the reader's
 */
export function dayBound(text: string | undefined, isEnd = false, zone: string | null = null): string | null {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text ?? '');
  if (!parts) return null;
  const day = Date.UTC(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]) + (isEnd ? 1 : 0));
  return Number.isNaN(day) ? null : new Date(momentAt(day, zone)).toISOString();
}

/** Bytes in the largest unit that leaves a whole number. */
export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const;
  const step = Math.min(units.length - 1, n < 1 ? 0 : Math.floor(Math.log10(n) / 3));
  const value = n / 1000 ** step;
  return `${value.toLocaleString(language.value, { maximumFractionDigits: value < 10 && step > 0 ? 1 : 0 })} ${units[step]}`;
}
