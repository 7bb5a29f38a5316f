/** Reports without markup: which period, how figures are written, and the texts of charts. */

import type { ReportFigure } from '../../api/types';
import { language, t } from '../../i18n';
import { percent } from '../../i18n/format';

const DAY_MS = 86_400_000;
export const REFUSED = '–';

export type PresetId = 'week' | 'lastWeek' | 'lastMonth' | 'quarter' | 'year';
export const PRESETS: readonly PresetId[] = ['week', 'lastWeek', 'lastMonth', 'quarter', 'year'];

export interface Days {
  from: string;
  to: string;
}

const iso = (ms: number) => new Date(ms).toISOString().slice(0, 10);

/** The days of a preset, seen from a day (`YYYY-MM-DD`) that is not part of any. */
export function daysOf(preset: PresetId, today: string): Days {
  const at = Date.parse(`${today}T00:00:00Z`);
  const yesterday = at - DAY_MS;
  const day = new Date(at);
  switch (preset) {
    case 'week':
      return { from: iso(at - 7 * DAY_MS), to: iso(yesterday) };
    case 'lastWeek': {
      const monday = at - ((day.getUTCDay() + 6) % 7) * DAY_MS;
      return { from: iso(monday - 7 * DAY_MS), to: iso(monday - DAY_MS) };
    }
    case 'lastMonth': {
      const first = Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), 1);
      return { from: iso(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() - 1, 1)), to: iso(first - DAY_MS) };
    }
    case 'quarter':
      return { from: iso(at - 91 * DAY_MS), to: iso(yesterday) };
    case 'year':
      return { from: iso(at - 364 * DAY_MS), to: iso(yesterday) };
  }
}

/** A share with the mark of what it rests on. */
export function shareText({ value, mark }: ReportFigure): string {
  if (value === null) return REFUSED;
  return marked(percent(value), mark);
}

/** A rate with a digit after the point. */
export function rateText({ value, mark }: ReportFigure): string {
  if (value === null) return REFUSED;
  return marked(value.toLocaleString(language.value, { maximumFractionDigits: 1 }), mark);
}

const marked = (text: string, mark: ReportFigure['mark']) => (mark === 'partial' ? `~${text}` : text);

/** What a figure rests on, for a title. */
export const observedText = ({ observed }: ReportFigure) =>
  t('reports.observedShare', { share: percent(observed) });

/** How much a share moved, in points; a text where one of both is not known. */
export function pointsText(before: ReportFigure, now: ReportFigure): string {
  if (before.value === null || now.value === null) return REFUSED;
  const points = (now.value - before.value) * 100;
  const text = Math.abs(points).toLocaleString(language.value, { maximumFractionDigits: 1 });
  return t('reports.points', { n: `${points > 0.05 ? '+' : points < -0.05 ? '−' : '±'}${text}` });
}

/** The weekday's short name; 0 is Monday. */
export const weekdayText = (weekday: number) =>
  new Intl.DateTimeFormat(language.value, { weekday: 'short', timeZone: 'UTC' }).format(
    Date.UTC(2024, 0, 1 + weekday),
  );

/** A date of a report, which has no time zone. */
export const dateText = (day: string) =>
  new Intl.DateTimeFormat(language.value === 'en' ? 'en-GB' : language.value, {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    timeZone: 'UTC',
  }).format(Date.parse(`${day.slice(0, 10)}T00:00:00Z`));

/** The first step of the map's scale whose colour is dark enough for white figures. */
export const fullStep = (share: number) => Math.min(4, Math.floor(share * 5));
