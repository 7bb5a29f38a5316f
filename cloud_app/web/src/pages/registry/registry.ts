/** The registry's API: the same routes for each kind, so their paths are put together here. */

import { type ApiError, api, ask } from '../../api/client';
import type { Change, FactValues, Kind, Thing } from './fields';

interface Init {
  params?: { query?: object; header?: object };
  body?: object;
  signal?: AbortSignal;
}
type Answer = Promise<{ data?: unknown; error?: unknown; response: Response }>;
type Call = (path: string, init: Init) => Answer;

const call = (method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE') => api[method] as unknown as Call;
const path = (kind: Kind, key = '') =>
  ['/api/v1/registry', kind, ...key.split('/').filter(Boolean).map(encodeURIComponent)].join('/');
const ifMatch = (version: number) => ({ header: { 'if-match': `"${version}"` } });

export const PAGE = 200;

export async function things(
  kind: Kind,
  query: Readonly<Record<string, string>>,
  after?: string,
  signal?: AbortSignal,
): Promise<readonly Thing[]> {
  const params = { query: { ...query, limit: PAGE, ...(after && { after }) } };
  const page = await ask(call('GET')(path(kind), { params, ...(signal && { signal }) }));
  return (page as { items: Thing[] }).items;
}

export const thing = (kind: Kind, key: string, signal: AbortSignal) =>
  ask(call('GET')(path(kind, key), { signal })) as Promise<Thing>;

export const history = (kind: Kind, key: string, signal: AbortSignal) =>
  ask(call('GET')(`${path(kind, key)}/history`, { signal })) as Promise<readonly Change[]>;

/** A new one; refused where there is one already. */
export const create = (kind: Kind, key: string, facts: FactValues) =>
  ask(call('PUT')(path(kind, key), { body: facts })) as Promise<Thing>;

export const amend = (kind: Kind, base: Thing, facts: FactValues) =>
  ask(call('PATCH')(path(kind, base.key), { params: ifMatch(base.version), body: facts })) as Promise<Thing>;

/** Let the layout's word of some facts hold again. */
export const revert = (kind: Kind, base: Thing, facts: readonly string[]) =>
  ask(
    call('POST')(`${path(kind, base.key)}/revert`, { params: ifMatch(base.version), body: { facts } }),
  ) as Promise<Thing>;

export const remove = (kind: Kind, base: Thing) =>
  ask(call('DELETE')(path(kind, base.key), { params: ifMatch(base.version) }));

/** What is wrong with which fact; the empty name is for the whole. */
export function faultsOf({ body, message }: ApiError): Record<string, string> {
  const detail = (body as { detail?: unknown } | null)?.detail;
  if (!Array.isArray(detail)) return { '': message };
  const faults = detail as { loc?: unknown[]; msg?: string }[];
  return Object.fromEntries(faults.map(({ loc = [], msg = '' }) => [String(loc[1] ?? ''), msg]));
}
