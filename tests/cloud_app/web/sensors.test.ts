import { describe, expect, it } from 'vitest';
import { rangeOf } from '../../../cloud_app/web/src/components/LineChart';
import { subjectHref } from '../../../cloud_app/web/src/pages/alerts/alerts';
import {
  batteryText,
  fieldsOf,
  linkBars,
  saidNow,
  sensorKey,
  sensorQuery,
} from '../../../cloud_app/web/src/pages/sensors/sensors';

describe('sensors', () => {
  it('asks for what the address says, and for no order that the service does not have', () => {
    expect(sensorQuery({ condition: 'silent', q: 'b1', sort: '-battery' })).toEqual({
      condition: 'silent',
      q: 'b1',
      sort: '-battery',
    });
    expect(sensorQuery({ sort: 'state', site: 'north' })).toEqual({ site: 'north' });
    expect(sensorKey({ site: null, device: 'a' })).toBe('/a');
  });

  it('never shows a silent sensor’s last word as what is so', () => {
    const free = { condition: 'ok', state: 'free', reason: null } as const;
    expect(saidNow(free)).toEqual({ state: 'free', reason: null });
    expect(saidNow({ ...free, condition: 'silent' })).toEqual({
      state: 'unknown',
      reason: 'sensor_silent',
    });
    expect(saidNow({ condition: 'silent', state: null, reason: null }).state).toBeNull();
  });

  it('says how well a sensor is heard and what its battery has', () => {
    expect(linkBars({ rssi_dbm: null, snr_db: null })).toBeNull();
    expect([-60, -90, -105, -125].map((rssi_dbm) => linkBars({ rssi_dbm, snr_db: 5 }))).toEqual([4, 3, 2, 1]);
    expect(linkBars({ rssi_dbm: -60, snr_db: -15 })).toBe(1);
    expect(batteryText({ battery_pct: 84.4, battery_v: 3.6 })).toBe('84 %');
    expect(batteryText({ battery_pct: null, battery_v: 2.784 })).toBe('2.78 V');
    expect(batteryText({ battery_pct: null, battery_v: null })).toBeNull();
    expect(fieldsOf({ fields: { occupied: true, tag: null, more: {} } })).toEqual([['occupied', 'true']]);
  });

  it('leads from an alert to the sensor, or to the silent ones of a lot', () => {
    const alert = { rule: 'sensor_silent', site: 'north', subject: 'a81758' };
    expect(subjectHref(alert)).toBe('/sensors/a81758');
    expect(subjectHref({ ...alert, subject: 'p1/*' })).toBe('/sensors?site=north&lot=p1&condition=silent');
  });

  it('draws what is always negative without nought', () => {
    expect(rangeOf(-110, -90)).toEqual([-112, -88]);
    expect(rangeOf(0, 10)).toEqual([0, 11]);
  });
});
