/**
 * The live stream, one for the whole page: who listens says what they want to hear.
 *
 * It is read by hand, since EventSource cannot send a token. A hidden tab listens to nothing; after
 * that, and after a lost connection, listeners are told `resync`, for what they have may be old.
 *
 * When something else is wanted, the old stream is read until the new one is there, so that nothing is
 * missed in between. What a new listener has was asked for before its stream began: it is told
 * `resync` once, but only a moment later, when the page no longer works on its first picture.
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

interface Stream {
  url: string;
  abort: AbortController;
}

const listeners = new Set<Listener>();
/** Those of `listeners` whose stream is not there yet. */
const joining = new Set<Listener>();
let running: Stream | null = null;
/** The one before, until `running` is there. */
let previous: Stream | null = null;
/** The newest stream that is open. */
let there: Stream | null = null;
const isThere = (stream: Stream) => there === stream;
/** Nothing was heard for a while: what listeners have may be old. */
let mayHaveMissed = false;
let planned: ReturnType<typeof setTimeout> | undefined;

/** Listen until the returned function is called. */
export function listen(wants: Wants, heard: Heard): () => void {
  const listener = { wants, heard };
  listeners.add(listener);
  joining.add(listener);
  plan();
  return () => {
    listeners.delete(listener);
    joining.delete(listener);
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
  if (wanted && running?.url === url) {
    // New listeners want nothing that it does not tell.
    if (isThere(running)) settleSoon();
    return;
  }
  if (!wanted) {
    mayHaveMissed ||= running !== null;
    running?.abort.abort();
    previous?.abort.abort();
    running = previous = there = null;
    return;
  }
  if (running && isThere(running)) previous = running;
  else running?.abort.abort();
  running = { url, abort: new AbortController() };
  void follow(running);
}

document.addEventListener('visibilitychange', plan);
sessionEnded.subscribe(plan);

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const SETTLE_MS = 2000;

async function follow(stream: Stream): Promise<void> {
  const over = stream.abort.signal;
  let waitMs = FIRST_WAIT_MS;
  while (!over.aborted) {
    try {
      const response = await fetch(stream.url, { headers: credentials(), cache: 'no-store', signal: over });
      if (response.status === 401) sessionEnded.value = true;
      if (response.status === 404) {
        // A lot that does not exist has no stream; the page says so, and the line is not cut.
        refuse(stream);
        return;
      }
      if (!response.ok || !response.body) throw new Error(String(response.status));
      waitMs = FIRST_WAIT_MS;
      begin(stream);
      for await (const event of sseEvents(response.body)) dispatch(event);
    } catch {
      // Any failure means the same: try again, a little later each time.
    }
    if (over.aborted) return;
    if (isThere(stream)) there = null;
    if (!previous || stream === previous) mayHaveMissed = true;
    if (stream === previous) {
      previous = null;
      return;
    }
    if (!previous) liveState.value = 'lost';
    await new Promise((resolve) => setTimeout(resolve, waitMs * (0.5 + Math.random())));
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
}

/** Whoever asked for this stream goes without one, until something else is wanted. */
function refuse(stream: Stream): void {
  previous?.abort.abort();
  previous = null;
  if (isThere(stream)) there = null;
  joining.clear();
  mayHaveMissed = true;
  liveState.value = 'connecting';
}

/** A stream is there, and the one before it is not needed any more. */
function begin(stream: Stream): void {
  there = stream;
  previous?.abort.abort();
  previous = null;
  liveState.value = 'live';
  if (mayHaveMissed) {
    mayHaveMissed = false;
    joining.clear();
    tell((heard) => heard.resync?.());
  } else {
    settleSoon();
  }
}

/** Tell those who came before their stream was there to ask again for what may have changed meanwhile. */
function settleSoon(): void {
  const these = [...joining];
  joining.clear();
  if (!these.length) return;
  setTimeout(() => {
    for (const listener of these) if (listeners.has(listener)) listener.heard.resync?.();
  }, SETTLE_MS);
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
