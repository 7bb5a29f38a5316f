/** A box run from afar, without markup: its settings as a form, its shadows as rows. */

import type { CommandState } from '../../api/types';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
type Dict = Readonly<Record<string, unknown>>;

const isDict = (value: unknown): value is Dict =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** One setting of a box, as its JSON Schema describes it. */
export interface Setting {
  path: string;
  title: string;
  hint: string;
  kind: 'number' | 'boolean' | 'choice' | 'text';
  isWhole: boolean;
  min: number | null;
  max: number | null;
  options: readonly string[];
  /** As the box reported it. */
  value: string;
}

export interface SettingGroup {
  name: string;
  title: string;
  settings: readonly Setting[];
}

/** The form of a schema: a group for each section, and one for each camera. */
export function groupsOf(schema: Dict, values: Dict): SettingGroup[] {
  const groups: SettingGroup[] = [];
  for (const [name, section] of Object.entries(dict(schema.properties))) {
    const one = dict(section);
    const of = dict(values[name]);
    if (isDict(one.additionalProperties)) {
      for (const item of Object.keys(of))
        groups.push(groupOf(`${name}.${item}`, item, one.additionalProperties, dict(of[item])));
    } else groups.push(groupOf(name, text(one.title) || name, one, of));
  }
  return groups.filter(({ settings }) => settings.length > 0);
}

function groupOf(name: string, title: string, schema: Dict, values: Dict): SettingGroup {
  const settings = Object.entries(dict(schema.properties)).map(([key, about]): Setting => {
    const one = dict(about);
    const options = Array.isArray(one.enum) ? one.enum.map(String) : [];
    const isNumber = one.type === 'number' || one.type === 'integer';
    return {
      path: `${name}.${key}`,
      title: text(one.title) || key,
      hint: text(one.description),
      kind: options.length ? 'choice' : one.type === 'boolean' ? 'boolean' : isNumber ? 'number' : 'text',
      isWhole: one.type === 'integer',
      min: number(one.minimum) ?? number(one.exclusiveMinimum),
      max: number(one.maximum) ?? number(one.exclusiveMaximum),
      options,
      value: values[key] === undefined ? '' : String(values[key]),
    };
  });
  return { name, title, settings };
}

export interface Change {
  path: string;
  title: string;
  before: string;
  after: string;
}

/** What a form changes, in the order of the form. */
export function changesOf(
  groups: readonly SettingGroup[],
  edited: Readonly<Record<string, string>>,
): Change[] {
  return groups.flatMap((group) =>
    group.settings
      .filter(({ path, value }) => edited[path] !== undefined && !isSame(edited[path], value))
      .map(({ path, title, value }) => ({
        path,
        title: `${group.title}: ${title}`,
        before: value,
        after: edited[path] ?? '',
      })),
  );
}

const isSame = (left: string, right: string) =>
  left === right || (left.trim() !== '' && right.trim() !== '' && Number(left) === Number(right));

/** Why a typed value cannot be; null if it can. */
export function faultOf(
  { kind, isWhole, min, max }: Setting,
  typed: string,
): 'number' | 'whole' | 'range' | null {
  if (kind !== 'number') return null;
  const value = Number(typed);
  if (typed.trim() === '' || !Number.isFinite(value)) return 'number';
  if (isWhole && !Number.isInteger(value)) return 'whole';
  return (min !== null && value < min) || (max !== null && value > max) ? 'range' : null;
}

/** The body of the request: what was changed, by section. */
export function bodyOf(
  groups: readonly SettingGroup[],
  edited: Readonly<Record<string, string>>,
): Record<string, Record<string, Json>> {
  const kinds = new Map(groups.flatMap(({ settings }) => settings.map((each) => [each.path, each.kind])));
  const body: Record<string, Record<string, Json>> = {};
  for (const { path, after } of changesOf(groups, edited)) {
    const kind = kinds.get(path);
    const value = kind === 'number' ? Number(after) : kind === 'boolean' ? after === 'true' : after;
    const [section = '', ...rest] = path.split('.');
    const key = rest.pop() ?? '';
    const item = rest.join('.');
    body[section] ??= {};
    const into = body[section];
    if (item) into[item] = { ...dict(into[item]), [key]: value } as Json;
    else into[key] = value;
  }
  return body;
}

/** One leaf of a shadow. */
export interface ShadowRow {
  path: string;
  desired: string | null;
  reported: string | null;
  differs: boolean;
}

/** What differs first, then all else, in the order of the names. */
export function shadowRows(document: Dict): ShadowRow[] {
  const state = dict(document.state);
  const [desired, reported] = [leaves(state.desired), leaves(state.reported)];
  const differing = new Set(leaves(state.delta).keys());
  return [...new Set([...desired.keys(), ...reported.keys()])]
    .map((path) => ({
      path,
      desired: desired.get(path) ?? null,
      reported: reported.get(path) ?? null,
      differs: differing.has(path),
    }))
    .sort((a, b) => Number(b.differs) - Number(a.differs) || a.path.localeCompare(b.path));
}

function leaves(value: unknown, head = ''): Map<string, string> {
  if (!isDict(value)) return new Map(head ? [[head, asText(value)]] : []);
  return new Map(
    Object.entries(value).flatMap(([key, below]) => [...leaves(below, head ? `${head}.${key}` : key)]),
  );
}

const asText = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
const dict = (value: unknown): Dict => (isDict(value) ? value : {});
const text = (value: unknown) => (typeof value === 'string' ? value : '');
const number = (value: unknown) => (typeof value === 'number' ? value : null);

const OPEN: readonly CommandState[] = ['waiting', 'sent', 'received', 'running'];
export const isOpen = (state: CommandState) => OPEN.includes(state);

export const toneOf = (state: CommandState) =>
  state === 'done'
    ? 'good'
    : isOpen(state)
      ? 'info'
      : state === 'cancelled' || state === 'expired'
        ? 'warn'
        : 'bad';
