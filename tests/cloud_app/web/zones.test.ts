import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { setLanguage } from '../../../cloud_app/web/src/i18n';
import { dayBound, fullTime, siteTime } from '../../../cloud_app/web/src/i18n/format';
import { clockMs, differs, momentAt, zoneOf, zones } from '../../../cloud_app/web/src/i18n/zones';

const reader = process.env.TZ;
const at = (text: string) => Date.parse(text);

beforeEach(() => {
  process.env.TZ = 'Asia/Tokyo';
  setLanguage('en', false);
});
afterEach(() => {
  process.env.TZ = reader;
  zones.value = {};
});

test('a site has its own zone, an unknown one the reader has', () => {
  zones.value = { north: 'Europe/Berlin', new: null };
  expect([zoneOf('north'), zoneOf('new'), zoneOf('other'), zoneOf(null)]).toEqual([
    'Europe/Berlin',
    null,
    null,
    null,
  ]);
});

describe('a site in Berlin, read in Tokyo', () => {
  test.each([
    ['2026-03-29T00:59:00Z', '29 Mar, 01:59 CET'],
    ['2026-03-29T01:00:00Z', '29 Mar, 03:00 CEST'],
    ['2026-10-25T00:30:00Z', '25 Oct, 02:30 CEST'],
    ['2026-10-25T01:30:00Z', '25 Oct, 02:30 CET'],
  ])('%s is %s', (moment, shown) => {
    expect(siteTime(moment, 'Europe/Berlin')).toBe(shown);
    expect(fullTime(moment, 'Europe/Berlin')).toContain(shown.split(' ').at(-1));
  });
  test('the zone is named only where clocks differ', () => {
    expect(siteTime('2026-07-01T03:00:00Z', 'Asia/Tokyo')).toBe('1 Jul, 12:00');
    expect(siteTime('2026-07-01T03:00:00Z', 'Asia/Seoul')).toBe('1 Jul, 12:00');
    expect(siteTime('2026-07-01T03:00:00Z', null)).toBe('1 Jul, 12:00');
    expect(differs(at('2026-07-01T03:00:00Z'), 'Asia/Seoul')).toBe(false);
  });
});

describe('days of a filter', () => {
  test.each([
    // A day of 23 hours, one of 25, and one that begins at 01:00.
    ['2026-03-29', 'Europe/Berlin', '2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z'],
    ['2026-10-25', 'Europe/Berlin', '2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z'],
    ['2026-09-06', 'America/Santiago', '2026-09-06T04:00:00.000Z', '2026-09-07T03:00:00.000Z'],
    ['2026-01-01', 'Pacific/Kiritimati', '2025-12-31T10:00:00.000Z', '2026-01-01T10:00:00.000Z'],
    ['2026-01-01', 'Pacific/Pago_Pago', '2026-01-01T11:00:00.000Z', '2026-01-02T11:00:00.000Z'],
    ['2026-01-01', null, '2025-12-31T15:00:00.000Z', '2026-01-01T15:00:00.000Z'],
  ])('%s in %s', (day, zone, begins, ends) => {
    expect([dayBound(day, false, zone), dayBound(day, true, zone)]).toEqual([begins, ends]);
  });
  test('no day is none', () => expect(dayBound('yesterday', false, 'Europe/Berlin')).toBeNull());
});

test('a time that clocks skip is the same distance later; of one shown twice the first counts', () => {
  const skipped = momentAt(at('2026-03-29T02:30Z'), 'Europe/Berlin');
  expect(new Date(skipped).toISOString()).toBe('2026-03-29T01:30:00.000Z');
  expect(clockMs(skipped, 'Europe/Berlin')).toBe(at('2026-03-29T03:30Z'));
  expect(new Date(momentAt(at('2026-10-25T02:30Z'), 'Europe/Berlin')).toISOString()).toBe(
    '2026-10-25T00:30:00.000Z',
  );
});
