import { describe, expect, test } from 'vitest';
import { ago, bytes, percent, spaced, span } from '../../pages/shared/format.js';

describe('span', () => {
  test.each([
    [0, '0 s'],
    [59.4, '59 s'],
    [60, '1 min'],
    [59 * 60 + 29, '59 min'],
    [3600, '1 h'],
    [3600 + 5 * 60, '1 h 5 min'],
    [9 * 3600 + 59.6 * 60, '10 h'],
    [47 * 3600, '47 h'],
    [48 * 3600, '2 days'],
    [86400 * 30, '30 days'],
  ])('%d s reads %s', (seconds, text) => expect(span(seconds)).toBe(text));
});

test('ago counts from a given now, and a clock that is ahead is no future', () => {
  const now_ms = Date.parse('2026-11-30T12:00:00Z');
  expect(ago('2026-11-30T11:57:00Z', now_ms)).toBe('3 min ago');
  expect(ago('2026-11-30T12:00:30Z', now_ms)).toBe('now');
  expect(ago(null, now_ms)).toBe('never');
});

describe('bytes', () => {
  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [150 * 1024, '150 KiB'],
    [2.5 * 1024 ** 3, '2.5 GiB'],
    [5000 * 1024 ** 4, '5000 TiB'],
  ])('%d reads %s', (count, text) => expect(bytes(count)).toBe(text));
});

test('shares and codes', () => {
  expect(percent(0.126)).toBe('13 %');
  expect(spaced('view_moved_far')).toBe('view moved far');
});
