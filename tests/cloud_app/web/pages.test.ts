import { describe, expect, it } from 'vitest';
import { ApiError } from '../../../cloud_app/web/src/api/client';
import type { Alert, Bay, Edge, Key, Person } from '../../../cloud_app/web/src/api/types';
import { joined } from '../../../cloud_app/web/src/api/usePages';
import { placeOf } from '../../../cloud_app/web/src/app/nav';
import { broken, summary } from '../../../cloud_app/web/src/components/LineChart';
import { isNotFound } from '../../../cloud_app/web/src/components/states';
import { setLanguage } from '../../../cloud_app/web/src/i18n';
import { bytes, dayBound, fixed } from '../../../cloud_app/web/src/i18n/format';
import { zones } from '../../../cloud_app/web/src/i18n/zones';
import {
  actionsOf,
  alertQuery,
  alertText,
  localMoment,
  subjectHref,
} from '../../../cloud_app/web/src/pages/alerts/alerts';
import { actionText, auditQuery, changesOf } from '../../../cloud_app/web/src/pages/audit/audit';
import { healthOf, lotsOf, streamOf } from '../../../cloud_app/web/src/pages/edges/edges';
import { incidentQuery, placeHref, stateOf } from '../../../cloud_app/web/src/pages/incidents/incidents';
import { keyState } from '../../../cloud_app/web/src/pages/keys/keys';
import {
  bodyOf,
  differences,
  emptyDraft,
} from '../../../cloud_app/web/src/pages/notifications/notifications';
import { stateOf as personState, rolesOf, toggled } from '../../../cloud_app/web/src/pages/people/people';
import {
  differs,
  parsed,
  shown,
  type Thing,
  TypedError,
  textOf,
} from '../../../cloud_app/web/src/pages/registry/fields';
import { boxOf, cornersOf, outlineText, pointOf } from '../../../cloud_app/web/src/pages/registry/outline';
import { faultsOf } from '../../../cloud_app/web/src/pages/registry/registry';
import { deviceName, inGroups } from '../../../cloud_app/web/src/pages/settings/settings';

describe('alerts', () => {
  it('asks for what is not closed, unless told otherwise', () => {
    expect(alertQuery({}, null).state).toEqual(['open', 'acknowledged', 'silenced']);
    expect(alertQuery({ state: 'closed', assignee: 'me' }, 'a@b.example')).toEqual({
      state: ['closed'],
      assignee: 'a@b.example',
    });
    expect(alertQuery({ state: 'any', assignee: 'me' }, null)).not.toHaveProperty('assignee');
  });
  it.each([
    ['edge_offline', 'box-1', '/edges/box-1'],
    ['camera_lost', 'box-1/door', '/edges/box-1'],
    ['events_lost', 'box-1 4-17', '/edges/box-1'],
    ['lot_full', 'p1', '/lots/north/p1'],
    ['incident', 'box-1/i-3', '/incidents?incident=box-1%2Fi-3'],
    ['of_a_later_version', 'x', null],
  ])('leads from %s to its page', (rule, subject, href) => {
    expect(subjectHref({ rule, site: 'north', subject })).toBe(href);
  });
  it('offers what the service takes', () => {
    const alert = (state: Alert['state'], at: string | null) => actionsOf({ state, acknowledged_at: at });
    expect(alert('open', null)).toContain('acknowledge');
    expect(alert('silenced', 'x')).toEqual(['assign', 'unsilence', 'comment', 'close']);
    expect(alert('closed', null)).toEqual(['comment']);
  });
  it('takes a moment as it was typed here', () => {
    expect(localMoment('')).toBeNull();
    expect(localMoment('nonsense')).toBeNull();
    expect(localMoment('2026-11-30T12:00')).toBe(new Date(2026, 10, 30, 12).toISOString());
    expect(localMoment('2026-11-30T12:00', 'America/New_York')).toBe('2026-11-30T17:00:00.000Z');
  });
});

describe('days and sizes', () => {
  it('takes a day as it lasts here', () => {
    expect(dayBound('2026-03-29')).toBe(new Date(2026, 2, 29).toISOString());
    expect(dayBound('2026-03-29', true)).toBe(new Date(2026, 2, 30).toISOString());
    expect(dayBound('29.3.2026')).toBeNull();
    expect(dayBound(undefined)).toBeNull();
  });
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1500, '1.5 kB'],
    [41_300_000_000, '41 GB'],
  ])('writes %d bytes as %s', (n, text) => expect(bytes(n)).toBe(text));
});

describe('pages of a list', () => {
  it('show a row once', () => {
    expect(joined([3, 2], [2, 1], String)).toEqual([3, 2, 1]);
  });
});

describe('edges', () => {
  it('read the health of another version', () => {
    expect(healthOf({ health: null })).toBeNull();
    const health = healthOf({ health: { cameras: [{ camera: 'a', up: true }] } });
    expect(health?.cameras[0]).toMatchObject({ camera: 'a', up: true, view: 'ok', fps: 0 });
    expect(health?.outbox.rows).toBe(0);
  });
  it.each([
    [null, 'none'],
    [{ epoch: 1, upto: 5, top: 5, lost: 0 }, 'complete'],
    [{ epoch: 1, upto: 5, top: 8, lost: 2 }, 'waiting'],
    [{ epoch: 1, upto: 8, top: 8, lost: 2 }, 'lost'],
  ])('tell how whole a stream is: %j', (stream, state) => {
    expect(streamOf({ stream } as Pick<Edge, 'stream'>).state).toBe(state);
  });
  it('count bays by lot', () => {
    const bay = (lot: string, more: Partial<Bay>) =>
      ({ site: 's', lot, closed: false, stale: false, ...more }) as Bay;
    const lots = lotsOf([
      bay('a', { state: 'free' }),
      bay('a', { state: 'free', stale: true }),
      bay('b', { state: 'occupied' }),
    ]);
    expect(lots).toMatchObject([
      { lot: 'a', bays: 2, free: 1, stale: 1 },
      { lot: 'b', bays: 1, occupied: 1 },
    ]);
  });
});

describe('charts', () => {
  it('break where nothing was told', () => {
    expect(broken([0, 10, 100], [1, 2, 3], 30)).toEqual([
      [0, 10, 11, 100],
      [1, 2, null, 3],
    ]);
  });
  it('say in words what they show', () => {
    expect(summary([1, null, 3], 'Heat', (n) => `${n} °C`)).toBe('Heat from 1 °C to 3 °C, last 3 °C');
    expect(summary([null], 'Heat', String)).toBe('Heat: –');
  });
});

describe('incidents', () => {
  it('ask for a lot only with its site', () => {
    expect(incidentQuery({ lot: 'p1' })).toEqual({});
    expect(incidentQuery({ site: 's', lot: 'p1', open: 'no' })).toEqual({
      site: 's',
      lot: 'p1',
      open: false,
    });
  });
  it('lead to their bay', () => {
    expect(placeHref({ site: 's', lot: 'p1', bays: ['a1'] })).toBe('/lots/s/p1?bay=a1');
    expect(placeHref({ site: 's', lot: null, bays: ['a1'] })).toBeNull();
  });
  it('last, are over, or cannot be told', () => {
    expect(stateOf({ ended: null, stale: false })).toBe('open');
    expect(stateOf({ ended: null, stale: true })).toBe('stale');
    expect(stateOf({ ended: 'x', stale: true })).toBe('over');
  });
});

describe('notification rules', () => {
  const mine = {
    ...emptyDraft('operator:a'),
    kind: 'webhook' as const,
    url: ' https://a.example ',
    name: 'Mine',
  };
  it('keep the secret unless another was typed', () => {
    expect(bodyOf(mine).to).toEqual({ kind: 'webhook', url: 'https://a.example' });
    expect(bodyOf({ ...mine, secret: 'x' }).to).toHaveProperty('secret', 'x');
  });
  it('tell what differs', () => {
    expect(differences(mine, { ...mine, name: 'Theirs' })).toEqual([
      { label: 'Name', mine: 'Mine', theirs: 'Theirs' },
    ]);
  });
});

describe('people and keys', () => {
  it('have the roles of their kind of tenant', () => {
    expect(rolesOf('council:city')).toEqual(['council']);
    const role = { tenant: 'operator:a', role: 'viewer' as const };
    expect(toggled([], role)).toEqual([role]);
    expect(toggled([role], { ...role })).toEqual([]);
  });
  it('have a state', () => {
    const person = (disabled: boolean, ready: boolean) => personState({ disabled, ready } as Person);
    expect([person(true, true), person(false, true), person(false, false)]).toEqual([
      'disabled',
      'active',
      'invited',
    ]);
    const key = (revoked: string | null, expires: string | null) =>
      keyState({ revoked, expires } as Key, 1000);
    expect(key('x', null)).toBe('revoked');
    expect(key(null, new Date(1000).toISOString())).toBe('expired');
    expect(key(null, null)).toBe('works');
  });
  it('have devices that one recognises', () => {
    expect(deviceName('Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36')).toBe('Chrome · Linux');
    expect(deviceName('curl/8')).toBe('curl/8');
    expect(inGroups('ABCDEFGHI')).toBe('ABCD EFGH I');
  });
});

describe('audit log', () => {
  it('tells each fact before and after', () => {
    expect(changesOf({ before: { a: 1 }, after: { a: 2, b: 'x' } })).toEqual([
      ['a', '1', '2'],
      ['b', '–', 'x'],
    ]);
    expect(auditQuery({ actor: 'ada', q: 'x' })).toEqual({ actor: 'ada' });
  });
});

describe('registry', () => {
  const field = (type: 'text' | 'number' | 'list' | 'place' | 'outline') => ({ name: 'x', type });
  it.each([
    ['text', ' a ', 'a'],
    ['text', '  ', null],
    ['number', '2.1', 2.1],
    ['list', '-1, 0,, 1', ['-1', '0', '1']],
    ['place', '52.52, 13.4', { lat: 52.52, lon: 13.4 }],
    ['outline', '{"type":"Polygon"}', { type: 'Polygon' }],
  ] as const)('takes %s %j', (type, text, value) => expect(parsed(field(type), text)).toEqual(value));
  it.each([
    ['number', 'many'],
    ['place', '52.52'],
    ['place', 'here, there'],
    ['place', '1, 2, 3'],
    ['outline', '{'],
  ] as const)('refuses %s %j', (type, text) => expect(() => parsed(field(type), text)).toThrow(TypedError));
  it('writes values as they are typed, and as they are read', () => {
    expect(textOf({ lat: 1, lon: 2 })).toBe('1, 2');
    expect(textOf(null)).toBe('');
    const ring = [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 0],
    ];
    expect(shown('outline', { type: 'Polygon', coordinates: [ring] })).toBe('Polygon, 4 points');
    expect(shown('placement', 'on_street')).toBe('on-street');
  });
  it('knows where people and layout differ', () => {
    const thing = {
      said_by: { name: 'person', levels: 'layout' },
      layout: { name: 'A', levels: ['0'] },
      facts: { name: 'B', levels: ['0'] },
    } as unknown as Thing;
    expect([differs(thing, 'name'), differs(thing, 'levels')]).toEqual([true, false]);
  });
  it('draws outlines', () => {
    const corners = [
      [0, 0],
      [1, 0],
      [1, 1],
    ] as const;
    const text = outlineText(corners);
    expect(cornersOf(text)).toEqual(corners);
    expect(outlineText(corners.slice(0, 2))).toBe('');
    expect(cornersOf('{"type":"MultiPolygon"}')).toBeNull();
    expect(cornersOf('nonsense')).toBeNull();
    expect(pointOf('91, 0')).toBeNull();
    expect(pointOf('52.5, 13.4')).toEqual([13.4, 52.5]);
    expect(boxOf([])).toBeUndefined();
    expect(boxOf([[1, 2]])?.east).toBeGreaterThan(1);
  });
  it('puts faults to their fields', () => {
    const error = new ApiError(422, 'x', {
      detail: [
        { loc: ['body', 'name'], msg: 'too long' },
        { loc: ['body'], msg: 'no' },
      ],
    });
    expect(faultsOf(error)).toEqual({ name: 'too long', '': 'no' });
    expect(faultsOf(new ApiError(409, 'in use', { detail: 'in use' }))).toEqual({ '': 'in use' });
  });
});

describe('what a reader of another language or zone sees', () => {
  it('writes numbers with the comma of the language', async () => {
    await setLanguage('de', false);
    expect(fixed(2.852, 2)).toBe('2,85');
    expect(actionText('person.create')).toBe('Person: angelegt');
    await setLanguage('en', false);
    expect(fixed(2.852, 2)).toBe('2.85');
    expect(actionText('moon.land_softly')).toBe('moon: land softly');
  });

  it('puts the moments of an alert into the clocks of its site', () => {
    zones.value = { north: 'Asia/Tokyo' };
    const text = 'Silent since 2026-06-01 23:30:05 UTC: blind.';
    expect(alertText({ text, site: 'north' })).toMatch(/^Silent since 2 Jun(e)?,? (at )?08:30.*: blind\.$/);
    expect(alertText({ text: 'Battery 2.8 V.', site: null })).toBe('Battery 2.8 V.');
    zones.value = {};
  });
});

it.each([
  [404, 'no lot', true],
  [422, [{ loc: ['path', 'alert'], msg: 'no number' }], true],
  [422, [{ loc: ['query', 'limit'], msg: 'too many' }], false],
  [422, 'expected a base', false],
  [500, null, false],
])('%d of %j is not found: %s', (status, detail, found) => {
  expect(isNotFound(new ApiError(status, '', { detail }))).toBe(found);
});

it('knows the place of a path', () => {
  expect(placeOf('/provisioning')?.needs).toBe('provision');
  expect(placeOf('/lots/a/b')?.href).toBe('/');
  expect(placeOf('/nowhere')).toBeUndefined();
});
