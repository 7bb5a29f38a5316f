/** Sensors without markup: what the API is asked for, what a frame says in words. */

import type { Downlink, Frame, Sensor, SensorCondition } from '../../api/types';
import { sortParam } from '../../components/sorting';
import { fixed } from '../../i18n/format';

export const CONDITIONS = [
  'silent',
  'faulty',
  'unreadable',
  'low_battery',
  'unregistered',
  'ok',
] as const satisfies readonly SensorCondition[];

/** Looks of conditions. */
export const TONES: Record<SensorCondition, string> = {
  silent: 'bad',
  faulty: 'bad',
  unreadable: 'bad',
  low_battery: 'warn',
  unregistered: 'info',
  ok: 'good',
};

/** Columns that the API orders by. */
const ORDERS = ['device', 'condition', 'heard', 'battery', 'link', 'bay'] as const;

/** What the API is asked for, by the query of the page. */
export function sensorQuery(values: Readonly<Record<string, string>>) {
  const { site, lot, condition, q, sort } = values;
  return {
    ...(site && { site }),
    ...(lot && { lot }),
    ...(condition && { condition: condition as SensorCondition }),
    ...(q && { q: q.slice(0, 64) }),
    ...sortParam(sort, ORDERS),
  };
}

/** The place of a sensor in the list, for the page after it. */
export const sensorKey = ({ site, device }: Pick<Sensor, 'site' | 'device'>) => `${site ?? ''}/${device}`;

/** What holds of its bay now: a silent sensor's last word is no word any more. */
export function saidNow({ condition, state, reason }: Pick<Sensor, 'condition' | 'state' | 'reason'>) {
  const isSilent = condition === 'silent' && state !== null;
  return isSilent ? { state: 'unknown' as const, reason: 'sensor_silent' } : { state, reason };
}

/** How well it is heard, in four steps; null where nobody said it. LoRa still works at -120 dBm. */
export function linkBars({ rssi_dbm, snr_db }: Pick<Sensor, 'rssi_dbm' | 'snr_db'>): number | null {
  if (rssi_dbm === null) return null;
  const byStrength = rssi_dbm >= -85 ? 4 : rssi_dbm >= -100 ? 3 : rssi_dbm >= -112 ? 2 : 1;
  return snr_db !== null && snr_db < -10 ? Math.min(byStrength, 1) : byStrength;
}

/** The battery in a few characters; null where nobody said anything of it. */
export function batteryText({ battery_pct, battery_v }: Pick<Sensor, 'battery_pct' | 'battery_v'>) {
  if (battery_pct !== null) return `${fixed(battery_pct, 0)} %`;
  return battery_v === null ? null : `${fixed(battery_v, 2)} V`;
}

/** Fields of a frame that are shown one by one, beside what has a column of its own. */
export function fieldsOf({ fields }: Pick<Frame, 'fields'>): [string, string][] {
  return Object.entries(fields)
    .filter(([, value]) => value !== null && typeof value !== 'object')
    .map(([name, value]) => [name, String(value)]);
}

export const DOWNLINK_TONES = {
  waiting: 'info',
  queued: 'info',
  sent: 'info',
  acknowledged: 'good',
  failed: 'bad',
  expired: 'warn',
  cancelled: '',
} as const satisfies Record<Downlink['state'], string>;

/** Whether a downlink is still on its way. */
export const isDownlinkOpen = ({ ended }: Pick<Downlink, 'ended'>): boolean => ended === null;
