/** Incidents without markup. */

import type { Incident, IncidentKind } from '../../api/types';
import { sortParam } from '../../components/sorting';
import { dayBound } from '../../i18n/format';
import { zoneOf } from '../../i18n/zones';

export const incidentKey = ({ edge, incident }: Pick<Incident, 'edge' | 'incident'>) => `${edge}/${incident}`;

/** Columns that the API sorts by. */
const ORDERS = ['state', 'began', 'stood', 'kind', 'site'] as const;

/** What the API is asked for, by the query of the page. */
export function incidentQuery(values: Readonly<Record<string, string>>) {
  const { site, lot, kind, edge, open, q, sort } = values;
  const [start, end] = [dayBound(values.from, false, zoneOf(site)), dayBound(values.to, true, zoneOf(site))];
  return {
    ...(site && { site }),
    ...(lot && site && { lot }),
    ...(edge && { edge }),
    ...(kind && { kind: kind as IncidentKind }),
    ...(open && { open: open === 'yes' }),
    ...(start && { start }),
    ...(end && { end }),
    ...(q && { q: q.slice(0, 100) }),
    ...sortParam(sort, ORDERS),
  };
}

/** Whether it lasts; an absent edge cannot tell the end. */
export const stateOf = ({ ended, stale }: Pick<Incident, 'ended' | 'stale'>) =>
  ended ? 'over' : stale ? 'stale' : 'open';

export const STATE_TONES = { open: 'warn', stale: '', over: '' } as const;

/** The lot's page, at the first bay. */
export function placeHref(
  { site, lot, bays }: Pick<Incident, 'site' | 'lot' | 'bays'>,
  bay = bays[0],
): string | null {
  if (!lot) return null;
  const at = bay ? `?${new URLSearchParams({ bay })}` : '';
  return `/lots/${encodeURIComponent(site)}/${encodeURIComponent(lot)}${at}`;
}
