/** A list that the API answers in pages: the first one as `useData` has it, further ones on demand. */

import { useCallback, useRef, useState } from 'preact/hooks';
import { toastError } from '../app/toasts';
import { type Data, useData } from './useData';

export interface PageOptions<R, C> {
  /** Rows of a full page; a shorter one is the last. */
  size: number;
  /** What asks for the page after a row. */
  cursor: (last: R) => C;
  rowKey: (row: R) => string;
}

export interface Pages<R> {
  rows: Data<readonly R[]>;
  /** Ask for the next page; absent on the last one. */
  more: (() => void) | undefined;
}

/** Rows of two pages, each once: a newer first page may hold what a further one held. */
export function joined<R>(first: readonly R[], further: readonly R[], rowKey: (row: R) => string): R[] {
  const known = new Set(first.map(rowKey));
  return [...first, ...further.filter((row) => !known.has(rowKey(row)))];
}

/**
 * Rows page by page.
 * @param key of what is asked, without the place of the page
 */
export function usePages<R, C>(
  key: string,
  load: (cursor: C | undefined, signal?: AbortSignal) => Promise<readonly R[]>,
  { size, cursor, rowKey }: PageOptions<R, C>,
): Pages<R> {
  const first = useData<readonly R[]>(key, (signal) => load(undefined, signal));
  const [further, setFurther] = useState<{ key: string; rows: readonly R[]; isWhole: boolean }>();
  const isBusy = useRef(false);
  const mine = further?.key === key ? further : undefined;
  const all = first.data && (mine ? joined(first.data, mine.rows, rowKey) : first.data);
  const hasMore = mine ? !mine.isWhole : (first.data?.length ?? 0) >= size;

  const more = useCallback(async () => {
    const last = all?.at(-1);
    if (!last || isBusy.current) return;
    isBusy.current = true;
    try {
      const next = await load(cursor(last));
      setFurther({ key, rows: [...(mine?.rows ?? []), ...next], isWhole: next.length < size });
    } catch (error) {
      toastError(error);
    } finally {
      isBusy.current = false;
    }
  }, [key, all]);

  return { rows: { ...first, data: all }, more: hasMore ? () => void more() : undefined };
}
