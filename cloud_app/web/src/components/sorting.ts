/** Order of a list: by a column, and what has no value last. */

export type SortValue = string | number | null | undefined;

export interface Order {
  column: string;
  isDown: boolean;
}

/** `-since` is newest first. */
export function orderOf(text: string | undefined): Order | null {
  if (!text) return null;
  return text.startsWith('-') ? { column: text.slice(1), isDown: true } : { column: text, isDown: false };
}

export const orderText = ({ column, isDown }: Order) => (isDown ? `-${column}` : column);

/** What of an address's `sort` the API can sort by. */
export function sortParam<C extends string>(
  text: string | undefined,
  columns: readonly C[],
): { sort?: C | `-${C}` } {
  const isKnown = columns.some((column) => column === text || `-${column}` === text);
  return isKnown ? { sort: text as C | `-${C}` } : {};
}

/** The order after a click on a column's head: up, then down, then as it came. */
export function nextOrder(now: Order | null, column: string): Order | null {
  if (now?.column !== column) return { column, isDown: false };
  return now.isDown ? null : { column, isDown: true };
}

/** A sorted copy; equal rows stay as they were. */
export function sorted<R>(
  rows: readonly R[],
  value: (row: R) => SortValue,
  isDown: boolean,
  locale = 'en',
): R[] {
  const collator = new Intl.Collator(locale, { numeric: true, sensitivity: 'base' });
  const compare = (a: SortValue, b: SortValue) =>
    typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b));
  return [...rows].sort((first, second) => {
    const [a, b] = [value(first), value(second)];
    const [noA, noB] = [a === null || a === undefined, b === null || b === undefined];
    if (noA || noB) return Number(noA) - Number(noB);
    return isDown ? compare(b, a) : compare(a, b);
  });
}

/** Whether each word that is searched for begins, or is, a part of the text. */
export function matches(text: string, search: string): boolean {
  const whole = text.toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((part) => whole.includes(part));
}
