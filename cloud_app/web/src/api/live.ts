/**
 * The live stream, one for the whole page: who listens says what they want to hear.
 *
 * It is read by hand, since EventSource cannot send a token. A hidden tab listens to nothing; after
 * that, and after a lost connection, listeners are told `resync`, for what they have may be old.
 */

import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { credentials, sessionEnded } from './client';
import { type SseEvent, sseEvents } from './sse';
import type { Bay, Lot } from './types';

export interface Wants {
  /** Lots that changed. */
  lots?: boolean;
  /** Bays that changed of a lot, as `site/lot`. */
  lot?: string;
}

export interface Heard {
  lots?: (changed: readonly Lot[]) => void;
  bays?: (changed: readonly Bay[]) => void;
  alerts?: (now: { open: number }) => void;
  /** Names of edges of which something changed. */
  change?: (edges: readonly string[]) => void;
  /** What was missed is not known: ask for everything again. */
  resync?: () => void;
}

export type LiveState = 'connecting' | 'live' | 'lost';
export const liveState = signal<LiveState>('connecting');

interface Listener {
  wants: Wants;
  heard: Heard;
}

const listeners = new Set<Listener>();
let running: { url: string; abort: AbortController } | null = null;
let planned: ReturnType<typeof setTimeout> | undefined;

/** Listen until the returned function is called. */
export function listen(wants: Wants, heard: Heard): () => void {
  const listener = { wants, heard };
  listeners.add(listener);
  plan();
  return () => {
    listeners.delete(listener);
    plan();
  };
}

/** `listen` for as long as a component is shown; `heard` may be new at each rendering. */
export function useLive(wants: Wants, heard: Heard): void {
  const latest = useRef(heard);
  latest.current = heard;
  useEffect(
    () =>
      listen(wants, {
        lots: (changed) => latest.current.lots?.(changed),
        bays: (changed) => latest.current.bays?.(changed),
        alerts: (now) => latest.current.alerts?.(now),
        change: (edges) => latest.current.change?.(edges),
        resync: () => latest.current.resync?.(),
      }),
    [wants.lots, wants.lot],
  );
}

/** The address for all that is wanted. */
export function streamUrl(all: Iterable<Wants>): string {
  const query = new URLSearchParams();
  for (const wants of all) {
    if (wants.lots) query.set('lots', '1');
    if (wants.lot) query.set('lot', wants.lot);
  }
  const text = query.toString();
  return `/api/v1/live${text && `?${text}`}`;
}

/** Soon, since a change of page leaves and joins in one go. */
function plan(): void {
  clearTimeout(planned);
  planned = setTimeout(apply, 30);
}

function apply(): void {
  const wanted = listeners.size > 0 && !document.hidden && !sessionEnded.value;
  const url = streamUrl([...listeners].map(({ wants }) => wants));
  if (wanted && running?.url === url) return;
  const isFirst = running === null && liveState.value === 'connecting';
  running?.abort.abort();
  running = null;
  if (!wanted) return;
  const abort = new AbortController();
  running = { url, abort };
  void follow(url, abort.signal, !isFirst);
}

document.addEventListener('visibilitychange', plan);
sessionEnded.subscribe(plan);

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

async function follow(url: string, over: AbortSignal, isAgain: boolean): Promise<void> {
  let waitMs = FIRST_WAIT_MS;
  let mayHaveMissed = isAgain;
  while (!over.aborted) {
    try {
      const response = await fetch(url, { headers: credentials(), cache: 'no-store', signal: over });
      if (response.status === 401) sessionEnded.value = true;
      if (!response.ok || !response.body) throw new Error(String(response.status));
      liveState.value = 'live';
      waitMs = FIRST_WAIT_MS;
      if (mayHaveMissed) tell((heard) => heard.resync?.());
      mayHaveMissed = true;
      for await (const event of sseEvents(response.body)) dispatch(event);
    } catch {
      // Any failure means the same: try again, a little later each time.
    }
    if (over.aborted) return;
    liveState.value = 'lost';
    await new Promise((resolve) => setTimeout(resolve, waitMs * (0.5 + Math.random())));
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
}

function dispatch({ event, data }: SseEvent): void {
  const body: unknown = JSON.parse(data);
  if (event === 'lots') tell((heard) => heard.lots?.(body as Lot[]));
  else if (event === 'bays') tell((heard) => heard.bays?.(body as Bay[]));
  else if (event === 'alerts') tell((heard) => heard.alerts?.(body as { open: number }));
  else if (event === 'change') tell((heard) => heard.change?.((body as { edges: string[] }).edges));
}

function tell(how: (heard: Heard) => void): void {
  for (const { heard } of [...listeners]) how(heard);
}
