import { beforeEach, expect, test } from 'vitest';
import { chart, meter } from '../../cloud_app/dashboard/charts.js';

const counts = { bays: 6, occupied: 2, free: 3, unknown: 0, stale: 1, closed: 0 };

beforeEach(() => document.body.replaceChildren());

test('a meter shows each state by its share, and says so to a screen reader', () => {
  const bar = meter(counts);
  expect(bar.getAttribute('aria-label')).toBe('2 occupied, 3 free, 1 stale');
  expect([...bar.children].map((part) => part.className)).toEqual(['occupied', 'free', 'stale']);
});

test('a line breaks where nothing was known', () => {
  const shares = [0.5, 0.75, null, 0.25];
  const points = shares.map((occupancy, i) => ({
    start: `2026-11-30T1${i}:00:00Z`,
    occupancy,
    occupied: null,
    free: null,
  }));
  const drawn = chart(/** @type {any} */ (points), { width: 300, height: 100 });
  expect(drawn.querySelectorAll('.line')).toHaveLength(2);
  expect(drawn.getAttribute('aria-label')).toBe('occupancy from 25 % to 75 %, last 25 %');
});
