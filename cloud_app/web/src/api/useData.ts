/** Data of the API in a component, kept by key so that going back shows it at once. */

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from './client';

export interface Data<T> {
  /** What was last heard; undefined before that. */
  data: T | undefined;
  /** Of the last try; with `data`, that is old. */
  error: ApiError | undefined;
  isLoading: boolean;
  /** Ask again now. */
  reload: () => void;
  /** Change what is shown, by what the live stream tells. */
  patch: (change: (data: T) => T) => void;
}

export interface DataOptions {
  /** Ask again so often while the tab is seen. */
  everyS?: number;
}

const kept = new Map<string, unknown>();
const KEPT_MAX = 200;

function keep(key: string, data: unknown): void {
  kept.delete(key);
  kept.set(key, data);
  if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value as string);
}

/** Forget everything, as at a logout. */
export const forgetData = () => kept.clear();

/**
 * What `load` tells.
 * @param key of what is asked; null asks for nothing. Asked again when it changes.
 */
export function useData<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  { everyS }: DataOptions = {},
): Data<T> {
  const [, redraw] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  const state = useRef<{ key: string | null; error: ApiError | undefined; isLoading: boolean }>({
    key: null,
    error: undefined,
    isLoading: false,
  });
  if (state.current.key !== key) state.current = { key, error: undefined, isLoading: key !== null };
  const abort = useRef<AbortController>();

  const reload = useCallback(() => {
    if (key === null) return;
    abort.current?.abort();
    const mine = new AbortController();
    abort.current = mine;
    const settle = (error?: ApiError) => {
      if (mine.signal.aborted || state.current.key !== key) return;
      state.current = { key, error, isLoading: false };
      redraw((n) => n + 1);
    };
    latest.current(mine.signal).then(
      (data) => {
        if (!mine.signal.aborted) keep(key, data);
        settle();
      },
      (error: unknown) => settle(error instanceof ApiError ? error : new ApiError(0, String(error))),
    );
  }, [key]);

  useEffect(() => {
    reload();
    return () => abort.current?.abort();
  }, [reload]);

  useEffect(() => {
    if (!everyS) return;
    const timer = setInterval(() => {
      if (!document.hidden) reload();
    }, everyS * 1000);
    return () => clearInterval(timer);
  }, [reload, everyS]);

  const patch = useCallback(
    (change: (data: T) => T) => {
      if (key === null || !kept.has(key)) return;
      keep(key, change(kept.get(key) as T));
      redraw((n) => n + 1);
    },
    [key],
  );

  const data = key === null ? undefined : (kept.get(key) as T | undefined);
  return {
    data,
    error: state.current.error,
    isLoading: state.current.isLoading && data === undefined,
    reload,
    patch,
  };
}
