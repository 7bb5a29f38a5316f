import { beforeEach, describe, expect, test } from 'vitest';
import de from '../../../cloud_app/web/messages/de.json';
import en from '../../../cloud_app/web/messages/en.json';
import { language, preferredLanguage, setLanguage, t, tn, word } from '../../../cloud_app/web/src/i18n';
import { ago, percent, span } from '../../../cloud_app/web/src/i18n/format';

beforeEach(() => setLanguage('en', false));

const holes = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test('both languages have the same texts, with the same holes', () => {
  expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort());
  for (const [key, text] of Object.entries(en)) {
    expect(holes(de[key as keyof typeof de]), key).toEqual(holes(text));
  }
});

test('no text is empty, and each plural has both forms', () => {
  for (const texts of [en, de] as Record<string, string>[]) {
    expect(Object.entries(texts).filter(([, text]) => !text.trim())).toEqual([]);
    for (const key of Object.keys(texts).filter((each) => each.endsWith('.one'))) {
      expect(texts).toHaveProperty([key.replace(/one$/, 'other')]);
    }
  }
});

test.each([
  ['de', ['en-GB'], 'de'],
  [null, ['fr-FR', 'de-AT', 'en'], 'de'],
  ['xx', ['ja'], 'en'],
])('kept %s, wanted %j: %s', (kept, wanted, found) => {
  expect(preferredLanguage(kept, wanted)).toBe(found);
});

test('texts follow the language', async () => {
  expect(t('overview.freeOf', { n: 3 })).toBe('free of 3');
  await setLanguage('de', false);
  expect(language.value).toBe('de');
  expect(document.documentElement.lang).toBe('de');
  expect(t('overview.freeOf', { n: 3 })).toBe('frei von 3');
  expect(tn('map.inView', 1)).toBe('1 Parkplatz im Ausschnitt');
  expect(tn('map.inView', 1200)).toBe('1.200 Parkplätze im Ausschnitt');
});

test('a code of a later version stays readable', () => {
  expect(word('incident', 'overstay')).toBe('Overstay');
  expect(word('incident', 'on_the_roof')).toBe('on the roof');
});

describe('spans', () => {
  test.each([
    [0, '0 s'],
    [59.4, '59 s'],
    [60, '1 min'],
    [3600, '1 h'],
    [3600 + 5 * 60, '1 h 5 min'],
    [9 * 3600 + 59.6 * 60, '10 h'],
    [47 * 3600, '47 h'],
    [48 * 3600, '2 d'],
  ])('%d s reads %s', (seconds, text) => expect(span(seconds)).toBe(text));
});

test('a clock that is ahead is no future', () => {
  const now = Date.parse('2026-11-30T12:00:00Z');
  expect(ago('2026-11-30T11:57:00Z', now)).toBe('3 min ago');
  expect(ago('2026-11-30T12:00:30Z', now)).toBe('now');
});

test('almost full is not full', () => {
  expect([percent(0.996), percent(1), percent(0.126), percent(0)]).toEqual(['99 %', '100 %', '13 %', '0 %']);
});
