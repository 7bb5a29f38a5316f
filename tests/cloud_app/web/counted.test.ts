import { describe, expect, it } from 'vitest';
import type { LotCount } from '../../../cloud_app/web/src/api/types';
import { countedOf, countTyped } from '../../../cloud_app/web/src/pages/lot/counted';

const lot = (more: Partial<LotCount>): LotCount => ({
  site: 'north',
  lot: 'garage',
  count: 40,
  free: 50,
  capacity: 100,
  offered: 90,
  closed: 4,
  held_back: 6,
  watched: 0,
  source: 'gates',
  low: 0,
  high: 90,
  balance: 40,
  why: null,
  last_true: null,
  in_today: 0,
  out_today: 0,
  silent: [],
  ...more,
});

describe('countedOf', () => {
  it('adds up to the places on offer and those that are closed', () => {
    const counts = countedOf(lot({}));
    expect(counts).toMatchObject({ bays: 94, occupied: 40, free: 50, unknown: 0, stale: 0, closed: 4 });
    expect(counts).toMatchObject({ capacity: 90, available: 50 });
  });

  it('calls nothing free where the count is unknown', () => {
    expect(countedOf(lot({ count: null, free: null }))).toMatchObject({ free: 0, unknown: 90 });
  });

  it('knows nothing without a capacity', () => {
    expect(countedOf(lot({ offered: null, capacity: null }))).toBeNull();
  });
});

describe('countTyped', () => {
  it.each([
    ['0', 0],
    [' 42 ', 42],
    ['100000', 100_000],
    ['100001', null],
    ['-1', null],
    ['4.5', null],
    ['', null],
    ['many', null],
  ])('reads %j as %j', (text, expected) => {
    expect(countTyped(text)).toBe(expected);
  });
});
