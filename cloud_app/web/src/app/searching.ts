/** Where a hit of the search leads, and how its place is told. */

import type { Hit } from '../api/types';

const part = encodeURIComponent;

export function hitHref({ kind, key, site, lot, point }: Hit): string {
  if (kind === 'edge') return `/edges/${part(key)}`;
  if (site && lot) {
    const bay = kind === 'bay' ? `?bay=${part(key.split('/').at(-1) ?? '')}` : '';
    return `/lots/${part(site)}/${part(lot)}${bay}`;
  }
  if (point) return `/?site=${part(key)}#14/${point[1]}/${point[0]}`;
  return `/?site=${part(site ?? key)}`;
}

/** The way to it, without itself. */
export const hitWhere = ({ kind, site, lot }: Hit) =>
  [kind === 'site' ? null : site, kind === 'lot' ? null : lot].filter(Boolean).join(' · ');
