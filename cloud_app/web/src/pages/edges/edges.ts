/** Edge boxes without markup: what their health message says, how complete their stream is. */

import type { Bay, Edge } from '../../api/types';
import { stateOf } from '../../components/counts';

/** A camera of the health message; see docs/schemas. */
export interface CameraHealth {
  camera: string;
  up: boolean;
  view: string;
  fps: number;
  dropped: number;
  broken: number;
  restarts: number;
  latency_p95_ms: number | null;
  audit: { looks: number; accuracy: number; low: number; high: number } | null;
}

export interface Health {
  at: string;
  uptime_s: number;
  outbox: {
    rows: number;
    bytes: number;
    oldest_age_s: number;
    quarantined: number;
    evicted: number;
    lost: number;
  };
  cameras: CameraHealth[];
  disk_free_bytes: number | null;
  memory_bytes: number | null;
  temperature_c: number | null;
  alarms: string[];
}

/** The health message of an edge, with what a box of another version leaves out. */
export function healthOf({ health }: Pick<Edge, 'health'>): Health | null {
  if (!health) return null;
  const { outbox, cameras, alarms, ...rest } = health as Partial<Health>;
  const none = { rows: 0, bytes: 0, oldest_age_s: 0, quarantined: 0, evicted: 0, lost: 0 };
  const plain: CameraHealth = {
    camera: '',
    up: false,
    view: 'ok',
    fps: 0,
    dropped: 0,
    broken: 0,
    restarts: 0,
    latency_p95_ms: null,
    audit: null,
  };
  return {
    at: '',
    uptime_s: 0,
    disk_free_bytes: null,
    memory_bytes: null,
    temperature_c: null,
    ...rest,
    outbox: { ...none, ...outbox },
    cameras: (cameras ?? []).map((each) => ({ ...plain, ...each })),
    alarms: alarms ?? [],
  };
}

export const camerasUp = (health: Health | null) => health?.cameras.filter(({ up }) => up).length ?? null;

/** What stands between an edge and a whole stream. */
export function streamOf({ stream }: Pick<Edge, 'stream'>): {
  state: 'none' | 'complete' | 'waiting' | 'lost';
  waiting: number;
  lost: number;
} {
  if (!stream) return { state: 'none', waiting: 0, lost: 0 };
  const waiting = Math.max(0, stream.top - stream.upto);
  return { state: waiting ? 'waiting' : stream.lost ? 'lost' : 'complete', waiting, lost: stream.lost };
}

/** Bays by lot, with what is so in each. */
export function lotsOf(bays: readonly Bay[]) {
  const lots = new Map<
    string,
    {
      site: string;
      lot: string;
      bays: number;
      free: number;
      occupied: number;
      unknown: number;
      stale: number;
      closed: number;
    }
  >();
  for (const bay of bays) {
    const key = `${bay.site}/${bay.lot}`;
    const lot = lots.get(key) ?? {
      site: bay.site,
      lot: bay.lot,
      bays: 0,
      free: 0,
      occupied: 0,
      unknown: 0,
      stale: 0,
      closed: 0,
    };
    lot.bays++;
    lot[stateOf(bay)]++;
    lots.set(key, lot);
  }
  return [...lots.values()];
}
