import { expect, test } from 'vitest';
import { hoursAhead, nearest } from '../../../cloud_app/web/src/pages/lot/forecast';

const NOW = Date.parse('2026-03-01T10:07:00Z');

function point(minutes: number) {
  const at = new Date(NOW + minutes * 60_000).toISOString();
  return { at, free: 3, free_low: 1, free_high: 4 };
}

test('the points nearest to the hours that people ask for, each once', () => {
  const points = Array.from({ length: 96 }, (_, index) => point(8 + 15 * index));
  const minutes = nearest(points, NOW).map(({ at }) => (Date.parse(at) - NOW) / 60_000);
  expect(minutes).toEqual([23, 53, 113, 233, 473, 1433]);
});

test('a short forecast is shown whole, and none as nothing', () => {
  expect(nearest([point(8)], NOW)).toEqual([point(8)]);
  expect(nearest([], NOW)).toEqual([]);
});

test('the full hours of the next day', () => {
  const hours = hoursAhead(NOW);
  expect(hours).toHaveLength(24);
  expect([hours[0], hours[23]]).toEqual(['2026-03-01T11:00:00.000Z', '2026-03-02T10:00:00.000Z']);
});
