/** Texts in the reader's language. A key that is missing in a language is a type error. */

import { signal } from '@preact/signals';
import en from '../../messages/en.json';

export type MessageKey = keyof typeof en;
export type Messages = Readonly<Record<MessageKey, string>>;
/** The part of a key before `.one` and `.other`. */
export type PluralKey = {
  [K in MessageKey]: K extends `${infer Stem}.other` ? Stem : never;
}[MessageKey];
export type Params = Readonly<Record<string, string | number>>;

export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof LANGUAGES;

const LOADERS: Record<Language, () => Promise<Messages>> = {
  en: () => Promise.resolve(en),
  // The annotation makes a missing message a type error.
  de: async (): Promise<Messages> => (await import('../../messages/de.json')).default,
};

export const language = signal<Language>('en');
const messages = signal<Messages>(en);

/** The language to begin with: what was chosen before, or the browser's first that we have. */
export function preferredLanguage(kept: string | null, wanted: readonly string[]): Language {
  const known = (code: string): code is Language => code in LANGUAGES;
  if (kept && known(kept)) return kept;
  return wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find(known) ?? 'en';
}

/** Switch the language; `keep` remembers it in this browser. */
export async function setLanguage(wanted: Language, keep = true): Promise<void> {
  messages.value = await LOADERS[wanted]();
  language.value = wanted;
  document.documentElement.lang = wanted;
  if (keep) localStorage.setItem('language', wanted);
}

/** The text of a key, with `{name}` replaced. */
export function t(key: MessageKey, params?: Params): string {
  return filled(messages.value[key], params);
}

/** The text for a number of things: `KEY.one` or `KEY.other`, with `{n}` replaced. */
export function tn(key: PluralKey, n: number, params?: Params): string {
  const form = new Intl.PluralRules(language.value).select(n) === 'one' ? 'one' : 'other';
  const text = messages.value[`${key}.${form}` as MessageKey];
  return filled(text, { n: n.toLocaleString(language.value), ...params });
}

/** A code of the contract in words; a code of a later version stays as it is, spaced. */
export function word(group: string, code: string): string {
  const text = messages.value[`${group}.${code}` as MessageKey];
  return text ?? code.replaceAll('_', ' ');
}

export function filled(text: string, params: Params = {}): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
}
