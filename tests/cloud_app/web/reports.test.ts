import { expect, test } from 'vitest';
import type { ReportFigure } from '../../../cloud_app/web/src/api/types';
import {
  daysOf,
  fullStep,
  pointsText,
  rateText,
  shareText,
} from '../../../cloud_app/web/src/pages/reports/reports';
import { bodyOf, emptyDraft } from '../../../cloud_app/web/src/pages/reports/schedules';

const figure = (value: number | null, observed = 1): ReportFigure => ({
  value,
  observed,
  mark: value === null ? 'refused' : observed < 0.9 ? 'partial' : 'whole',
});

test('presets are whole days before today', () => {
  // A Sunday.
  expect(daysOf('week', '2026-03-01')).toEqual({ from: '2026-02-22', to: '2026-02-28' });
  expect(daysOf('lastWeek', '2026-03-01')).toEqual({ from: '2026-02-16', to: '2026-02-22' });
  expect(daysOf('lastMonth', '2026-01-31')).toEqual({ from: '2025-12-01', to: '2025-12-31' });
  const { from, to } = daysOf('year', '2026-03-30');
  expect((Date.parse(to) - Date.parse(from)) / 86_400_000).toBe(363);
});

test('a figure says what it rests on, and none is made up', () => {
  expect(shareText(figure(0.5))).toBe('50 %');
  expect(shareText(figure(0.5, 0.7))).toBe('~50 %');
  expect(shareText(figure(null, 0.2))).toBe('–');
  expect(rateText(figure(3.25))).toBe('3.3');
  expect(pointsText(figure(0.5), figure(0.62))).toBe('+12 points');
  expect(pointsText(figure(0.5), figure(0.42))).toBe('−8 points');
  expect(pointsText(figure(null), figure(0.42))).toBe('–');
});

test('colours go from room to none', () => {
  expect([0, 0.19, 0.5, 0.99, 1].map(fullStep)).toEqual([0, 0, 2, 4, 4]);
});

test('addresses are taken apart', () => {
  const body = bodyOf({ ...emptyDraft(), recipients: 'a@x.org, b@x.org;c@x.org\n' });
  expect(body.recipients).toEqual(['a@x.org', 'b@x.org', 'c@x.org']);
});
