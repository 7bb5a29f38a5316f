/** Letting boxes in, without markup. */

import type { Certificate, ClaimCode, WaitingBox } from '../../api/types';

export const VIEWS = ['boxes', 'codes', 'certificates'] as const;
export type View = (typeof VIEWS)[number];

export const CODE_TONES = { open: 'good', used: 'info', expired: 'warn', revoked: '' } as const;
export const BOX_TONES = { pending: 'warn', approved: 'good', refused: '' } as const;
export const CERTIFICATE_TONES = { holds: 'good', soon: 'warn', expired: 'bad', revoked: '' } as const;

const DAY_MS = 86_400_000;
/** A box renews when a third is left: half of that again, and something keeps it from it. */
const LATE = 1 / 6;

export function viewOf(text: string | undefined): View {
  return VIEWS.find((view) => view === text) ?? 'boxes';
}

/** Like the certificate's state, but one that should have been renewed by now is `soon`. */
export function certificateState(
  { state, starts, ends, profile }: Pick<Certificate, 'state' | 'starts' | 'ends' | 'profile'>,
  nowMs: number,
): keyof typeof CERTIFICATE_TONES {
  if (state !== 'holds') return state;
  const [from, to] = [Date.parse(starts), Date.parse(ends)];
  const late = profile === 'box' ? (to - from) * LATE : 30 * DAY_MS;
  return to - nowMs < late ? 'soon' : 'holds';
}

/** Which certificate of a box or server is its newest: only that one has a button. */
export function newestOf(certificates: readonly Certificate[]): ReadonlySet<string> {
  const names = new Set<string>();
  const found = new Set<string>();
  for (const { name, serial } of certificates) {
    if (!names.has(name)) found.add(serial);
    names.add(name);
  }
  return found;
}

/** What is searched in. */
export const textOfBox = ({ fingerprint, edge, site, address, note }: WaitingBox) =>
  [fingerprint, edge, site, address, note].join(' ');
export const textOfCode = ({ id, site, edge, box, made_by }: ClaimCode) =>
  [id, site, edge, box, made_by].join(' ');
export const textOfCertificate = ({ name, site, serial, made_by }: Certificate) =>
  [name, site, serial, made_by].join(' ');
