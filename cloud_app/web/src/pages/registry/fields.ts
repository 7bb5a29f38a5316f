/** What may be known of each kind of thing, how it is typed, and how it is read. */

import { t, word } from '../../i18n';

export type Value = string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value };
export type FactValues = Readonly<Record<string, Value>>;

export const KINDS = ['lots', 'zones', 'bays', 'sites', 'devices', 'operators', 'councils'] as const;
export type Kind = (typeof KINDS)[number];
export const isKind = (text: string): text is Kind => (KINDS as readonly string[]).includes(text);

/** Names of one, from the largest down. */
export const IDS: Record<Kind, readonly string[]> = {
  lots: ['site', 'lot'],
  zones: ['site', 'lot', 'zone'],
  bays: ['site', 'lot', 'bay'],
  sites: ['site'],
  devices: ['device'],
  operators: ['operator'],
  councils: ['council'],
};

/** A thing of the registry as the API tells it. */
export interface Thing {
  kind: string;
  key: string;
  ids: Readonly<Record<string, string>>;
  version: number;
  changed: string;
  facts: FactValues;
  said_by: Readonly<Record<string, 'layout' | 'person'>>;
  layout: FactValues;
  time_zone: string | null;
}

export interface Change {
  version: number;
  at: string;
  actor: string;
  action: string;
  before: FactValues;
  after: FactValues;
}

interface FieldKind {
  name: string;
  type: 'text' | 'number' | 'list' | 'choice' | 'place' | 'outline';
  /** Codes of a choice. */
  options?: readonly string[];
}

const texts = (...names: string[]): FieldKind[] => names.map((name) => ({ name, type: 'text' }));
const numbers = (...names: string[]): FieldKind[] => names.map((name) => ({ name, type: 'number' }));
const choice = (name: string, ...options: string[]): FieldKind => ({ name, type: 'choice', options });
const place: FieldKind = { name: 'location', type: 'place' };
const outline: FieldKind = { name: 'outline', type: 'outline' };
const contacts = texts('contact', 'email', 'phone', 'website');
const address = [...texts('street', 'postcode', 'city', 'country'), place];

export const FIELDS: Record<Kind, readonly FieldKind[]> = {
  lots: [
    ...texts('name'),
    choice('placement', 'on_street', 'off_street'),
    { name: 'levels', type: 'list' },
    { name: 'level_capacities', type: 'list' },
    ...texts('opening_hours'),
    ...numbers('height_limit_m', 'capacity', 'held_back'),
    ...texts('empty_at'),
    ...numbers('empty_after_min', 'empty_count'),
    ...address,
    outline,
    ...contacts,
  ],
  zones: [...texts('name', 'level'), outline],
  bays: [
    ...texts('name', 'zone', 'level'),
    choice('kind', 'standard', 'disabled', 'ev', 'loading', 'reserved'),
    choice('angle', 'perpendicular', 'angled', 'parallel'),
    ...numbers('length_m', 'width_m'),
    place,
    outline,
  ],
  sites: [...texts('name', 'operator', 'time_zone'), ...address, ...contacts],
  devices: [
    ...texts('name'),
    choice('kind', 'edge', 'sensor', 'gateway', 'gate_counter', 'sign'),
    ...texts('site', 'lot', 'bay', 'model', 'serial', 'profile', 'firmware'),
    ...texts('sim_iccid', 'apn', 'network_address'),
    ...numbers('period_s', 'threshold_mm'),
    ...texts('level', 'level_from'),
    choice('wiring', 'as_told', 'reversed', 'in', 'out'),
    ...numbers('modulus'),
    place,
  ],
  operators: [...texts('name', 'council'), ...contacts],
  councils: [...texts('name'), ...contacts],
};

const isRecord = (value: Value | undefined): value is { readonly [name: string]: Value } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** How a form holds a value: a point as `lat, lon`, an outline as GeoJSON. */
export function textOf(value: Value | undefined): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.join(', ');
  if (isRecord(value)) {
    return 'lat' in value && 'lon' in value ? `${value.lat}, ${value.lon}` : JSON.stringify(value);
  }
  return String(value);
}

/** What was typed cannot be sent as it is. */
export class TypedError extends Error {}

/** The value of a form's text; null says that there is none. @throws {TypedError} */
export function parsed({ type }: FieldKind, text: string): Value {
  const plain = text.trim();
  if (!plain) return null;
  if (type === 'number') return numberOf(plain, 'registry.fault.number');
  if (type === 'list')
    return plain
      .split(',')
      .map((each) => each.trim())
      .filter(Boolean);
  if (type === 'place') {
    const [lat = '', lon = '', ...more] = plain.split(/[,;\s]+/);
    if (!lon || more.length) throw new TypedError(t('registry.fault.place'));
    return { lat: numberOf(lat, 'registry.fault.place'), lon: numberOf(lon, 'registry.fault.place') };
  }
  if (type !== 'outline') return plain;
  try {
    return JSON.parse(plain) as Value;
  } catch {
    throw new TypedError(t('registry.fault.outline'));
  }
}

function numberOf(text: string, fault: 'registry.fault.number' | 'registry.fault.place'): number {
  const value = Number(text);
  if (!Number.isFinite(value)) throw new TypedError(t(fault));
  return value;
}

/** A value as people read it. */
export function shown(name: string, value: Value | undefined): string {
  if (value === null || value === undefined) return '–';
  if (name === 'outline' && isRecord(value)) return outlineText(value);
  if (Array.isArray(value)) return value.join(', ') || '–';
  if (name === 'kind' || name === 'angle' || name === 'placement' || name === 'wiring')
    return word(`fact.${name}`, String(value));
  return textOf(value);
}

function outlineText({ type, coordinates }: { readonly [name: string]: Value }): string {
  const points = (each: Value | undefined): number =>
    Array.isArray(each)
      ? typeof each[0] === 'number'
        ? 1
        : each.reduce<number>((sum, part) => sum + points(part), 0)
      : 0;
  return `${String(type)}, ${t('registry.points', { n: points(coordinates) })}`;
}

/** Where a thing is shown. */
export const thingHref = (kind: Kind, key: string) =>
  `/registry/${kind}/${key.split('/').map(encodeURIComponent).join('/')}`;

/** Whether people and a layout say different things of a fact. */
export const differs = ({ said_by, layout, facts }: Thing, name: string) =>
  said_by[name] === 'person' &&
  name in layout &&
  JSON.stringify(layout[name]) !== JSON.stringify(facts[name]);
