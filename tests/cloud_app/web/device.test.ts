import { describe, expect, it } from 'vitest';
import {
  bodyOf,
  changesOf,
  faultOf,
  groupsOf,
  shadowRows,
} from '../../../cloud_app/web/src/pages/edges/device';

const NUMBER = { type: 'number', minimum: 0, title: 'Enter hold' };
const SCHEMA = {
  properties: {
    evidence: {
      title: 'Evidence',
      properties: { enter_hold_s: NUMBER, frames: { type: 'integer', exclusiveMinimum: 0, maximum: 9 } },
    },
    gate: { properties: { enabled: { type: 'boolean' } } },
    log: { properties: { level: { type: 'string', enum: ['info', 'debug'] } } },
    camera: { additionalProperties: { properties: { rate_hz: { type: 'number' } } } },
    none: { properties: {} },
  },
};
const VALUES = {
  evidence: { enter_hold_s: 4.0, frames: 3 },
  gate: { enabled: true },
  log: { level: 'info' },
  camera: { 'north.1': { rate_hz: 1 }, south: { rate_hz: 2 } },
};
const groups = groupsOf(SCHEMA, VALUES);

describe('settings of a box', () => {
  it('are a form of what the box says', () => {
    expect(groups.map(({ name, title }) => [name, title])).toEqual([
      ['evidence', 'Evidence'],
      ['gate', 'gate'],
      ['log', 'log'],
      ['camera.north.1', 'north.1'],
      ['camera.south', 'south'],
    ]);
    expect(groups[0]?.settings[0]).toMatchObject({ kind: 'number', min: 0, max: null, value: '4' });
    expect(groupsOf({}, {})).toEqual([]);
  });

  it('are sent as changed, and nothing else is', () => {
    const edited = {
      'evidence.enter_hold_s': '4.0',
      'evidence.frames': '5',
      'gate.enabled': 'false',
      'log.level': 'debug',
      'camera.north.1.rate_hz': '2.5',
    };
    expect(changesOf(groups, edited).map(({ path }) => path)).not.toContain('evidence.enter_hold_s');
    expect(bodyOf(groups, edited)).toEqual({
      evidence: { frames: 5 },
      gate: { enabled: false },
      log: { level: 'debug' },
      camera: { 'north.1': { rate_hz: 2.5 } },
    });
    expect(bodyOf(groups, {})).toEqual({});
  });

  it('are checked where they are typed', () => {
    const [hold, frames] = groups[0]?.settings ?? [];
    if (!hold || !frames) throw new Error('two settings');
    expect(['', 'x', '1e999'].map((typed) => faultOf(hold, typed))).toEqual(['number', 'number', 'number']);
    expect(faultOf(hold, '-1')).toBe('range');
    expect(faultOf(frames, '1.5')).toBe('whole');
    expect(faultOf(frames, '10')).toBe('range');
    expect(faultOf(hold, ' 3 ')).toBeNull();
  });
});

describe('a shadow', () => {
  it('shows what differs first', () => {
    const rows = shadowRows({
      state: {
        desired: { z: { b: 2 }, a: 1 },
        reported: { z: { b: 1 }, a: 1, list: [1], text: 'x' },
        delta: { z: { b: 2 } },
      },
    });
    expect(rows.map(({ path, desired, reported, differs }) => [path, desired, reported, differs])).toEqual([
      ['z.b', '2', '1', true],
      ['a', '1', '1', false],
      ['list', null, '[1]', false],
      ['text', null, 'x', false],
    ]);
    expect(shadowRows({})).toEqual([]);
  });
});
