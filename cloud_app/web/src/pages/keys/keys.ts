/** API keys without markup. */

import type { Key } from '../../api/types';

export function keyState({ revoked, expires }: Pick<Key, 'revoked' | 'expires'>, nowMs: number) {
  if (revoked) return 'revoked';
  return expires && Date.parse(expires) <= nowMs ? 'expired' : 'works';
}

/** Days until a new key expires; 0 is never. */
export const LIVES_DAYS = [30, 90, 365, 0] as const;
