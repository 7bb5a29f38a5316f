/** Which row of a list is open in a dialog: named in the address, or a new one. */

import { useState } from 'preact/hooks';
import type { Data } from '../api/useData';
import type { ListQuery } from './useListQuery';

export interface Open<T> {
  /** The query of the list, without what is open. */
  query: ListQuery;
  /** Undefined where none is, or a new one. */
  row: T | undefined;
  isShown: boolean;
  /** Of the dialog: another row is another dialog. */
  key: string;
  begin: () => void;
  done: () => void;
}

/** @param name of the row in the address, by its id. */
export function useOpen<T extends { id: string }>(
  name: string,
  query: ListQuery,
  of: Data<readonly T[]>,
): Open<T> {
  const [isNew, setNew] = useState(false);
  const { [name]: chosen, ...values } = query.values;
  const row = of.data?.find(({ id }) => id === chosen);
  return {
    query: { ...query, values },
    row,
    isShown: isNew || row !== undefined,
    key: row?.id ?? 'new',
    begin: () => setNew(true),
    done: () => {
      setNew(false);
      query.set({ [name]: '' });
      of.reload();
    },
  };
}
