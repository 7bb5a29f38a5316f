/** What is worked out of a counted lot, without markup. */

import type { Counts, LevelCount, LotCount } from '../../api/types';

const MOST = 100_000;

/** The places of a counted lot by their state, for a bar; null where not even the capacity is known. */
export function countedOf({ count, free, offered, closed }: LotCount): Counts | null {
  if (offered === null) return null;
  const isKnown = count !== null && free !== null;
  return {
    bays: offered + closed,
    occupied: isKnown ? count : 0,
    free: isKnown ? free : 0,
    unknown: isKnown ? 0 : offered,
    stale: 0,
    closed,
    capacity: offered,
    available: isKnown ? free : 0,
  };
}

/** Places of a level that vehicles may take. */
export const offeredOn = ({ occupied, free, unknown }: LevelCount): number => occupied + free + unknown;

/** The places of a level by their state, for a bar. */
export function levelCounts({ occupied, free, unknown, closed }: LevelCount) {
  return { occupied, free, unknown, stale: 0, closed };
}

/** A number of vehicles as somebody typed it; null if it is none. */
export function countTyped(text: string): number | null {
  const plain = text.trim();
  if (!/^\d{1,6}$/.test(plain)) return null;
  const value = Number(plain);
  return value <= MOST ? value : null;
}
