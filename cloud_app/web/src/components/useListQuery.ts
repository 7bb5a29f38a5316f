/** Filters, search and order of a list, kept in the address: a link shows the same list. */

import { useCallback, useMemo } from 'preact/hooks';
import { useLocation } from 'preact-iso';

export type QueryValues = Readonly<Record<string, string>>;

export interface ListQuery {
  /** By name; a filter that is not set is absent. `q` and `sort` are among them. */
  values: QueryValues;
  /** Set some; an empty text takes one off. */
  set: (change: Readonly<Record<string, string>>) => void;
  /** For `useData`: changes as the values do. */
  key: string;
}

/** An address with some of its query changed. */
export function withQuery(path: string, now: QueryValues, change: QueryValues): string {
  const next = new URLSearchParams(Object.entries({ ...now, ...change }).filter(([, value]) => value !== ''));
  const text = next.toString();
  return text ? `${path}?${text}` : path;
}

export function useListQuery(names: readonly string[] = []): ListQuery {
  const { path, query, route } = useLocation();
  const all = query as QueryValues;
  const known = [...names, 'q', 'sort'];
  const key = known.map((name) => `${name}=${all[name] ?? ''}`).join('&');
  const values = useMemo(
    () => Object.fromEntries(known.filter((name) => all[name]).map((name) => [name, all[name] as string])),
    [key],
  );
  const set = useCallback(
    (change: QueryValues) => {
      const now = Object.fromEntries(new URLSearchParams(location.search));
      route(withQuery(path, now, change) + location.hash, true);
    },
    [path, route],
  );
  return { values, set, key };
}
