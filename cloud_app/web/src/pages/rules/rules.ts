/** Rules without markup: the form, what the API takes of it, and how a rule reads in words. */

import type { BuiltInRule, Rule, RuleAction, RuleSpec, RuleTrigger, Severity } from '../../api/types';
import type { Difference } from '../../components/Conflict';
import { t, word } from '../../i18n';
import { span } from '../../i18n/format';

export const TRIGGERS = [
  'event',
  'lot',
  'edge',
  'alert',
  'camera',
  'sensor',
  'gate',
  'count',
  'difference',
  'incident',
  'fault',
] as const satisfies readonly RuleTrigger[];
export const EVENT_KINDS = [
  'changed',
  'incident',
  'gate',
  'count',
  'sensor',
  'output',
  'gap',
  'other',
] as const;
export const ACTION_KINDS = ['alert', 'mail', 'webhook', 'mqtt', 'kafka', 'lake', 'table'] as const;
export type ActionKind = (typeof ACTION_KINDS)[number];

export type Limits = NonNullable<RuleSpec['limits']>;

/** An action in the form: the fields of all kinds, of which its own count. */
export interface ActionDraft {
  kind: ActionKind;
  severity: Severity;
  text: string;
  address: string;
  url: string;
  /** Empty: the one before stays, if there is one. */
  secret: string;
  isSigned: boolean;
  topic: string;
  retain: boolean;
  momentary: boolean;
}

export interface Draft {
  name: string;
  enabled: boolean;
  trigger: RuleTrigger;
  kinds: string[];
  alerts: string[];
  sites: string[];
  when: string;
  /** Empty: until the condition is not met. */
  until: string;
  limits: Limits;
  together: NonNullable<RuleSpec['together']> | null;
  replaces: NonNullable<RuleSpec['replaces']> | null;
  window: RuleSpec['window'] & object;
  /** Empty: as is usual for the trigger. */
  key: string;
  pauseS: number;
  tellEnd: boolean;
  actions: ActionDraft[];
}

export const emptyAction = (kind: ActionKind = 'alert'): ActionDraft => ({
  kind,
  severity: 'warning',
  text: '{rule}: {key}',
  address: '',
  url: '',
  secret: '',
  isSigned: false,
  topic: '',
  retain: false,
  momentary: false,
});

/** What somebody who makes a rule begins with, by what it is about. */
export const EXAMPLES: Record<RuleTrigger, string> = {
  event: "event.state == 'occupied' && event.bay_kind == 'disabled'",
  lot: 'lot.share >= 0.95',
  edge: 'health.temperature_c > 75.0',
  alert: "alert.severity == 'critical'",
  camera: 'camera.blind && camera.blind_s > 600.0',
  sensor: 'sensor.battery_v < 3.2',
  gate: 'gate.silent_s > 900.0',
  count: 'count.drift > 20',
  difference: 'difference.for_s > 3600.0',
  incident: "incident.kind == 'double_parking' && incident.stood_s > 120.0",
  fault: "fault.kind == 'flooding'",
  loss: 'true',
};

export const emptyDraft = (): Draft => ({
  name: '',
  enabled: true,
  trigger: 'event',
  kinds: [],
  alerts: [],
  sites: [],
  when: EXAMPLES.event,
  until: '',
  limits: {},
  together: null,
  replaces: null,
  window: { kind: 'none', span_s: 0, count: 1 },
  key: '',
  pauseS: 0,
  tellEnd: false,
  actions: [emptyAction()],
});

/** What a tenant begins with that wants a rule of the service otherwise. */
export const draftOfShipped = ({ rule, shipped }: BuiltInRule): Draft =>
  shipped ? { ...draftOf({ rule: shipped }), name: word('rule', rule) } : emptyDraft();

export function draftOf({ rule }: Pick<Rule, 'rule'>): Draft {
  return {
    name: rule.name,
    enabled: rule.enabled ?? true,
    trigger: rule.trigger ?? 'event',
    kinds: rule.kinds ?? [],
    alerts: rule.alerts ?? [],
    sites: rule.sites ?? [],
    when: rule.when,
    until: rule.until ?? '',
    limits: rule.limits ?? {},
    together: rule.together ?? null,
    replaces: rule.replaces ?? null,
    window: rule.window ?? { kind: 'none', span_s: 0, count: 1 },
    key: rule.key ?? '',
    pauseS: rule.pause_s ?? 0,
    tellEnd: rule.tell_end ?? false,
    actions: rule.actions.map(({ kind, ...fields }) => ({
      ...emptyAction(kind),
      ...fields,
      isSigned: 'signed' in fields && fields.signed,
    })),
  };
}

function actionOf({
  kind,
  severity,
  text,
  address,
  url,
  secret,
  topic,
  retain,
  momentary,
}: ActionDraft): RuleAction {
  switch (kind) {
    case 'alert':
      return { kind, severity, text, momentary };
    case 'mail':
      return { kind, address: address.trim(), text };
    case 'webhook':
      return { kind, url: url.trim(), ...(secret && { secret }) };
    case 'mqtt':
      return { kind, topic: topic.trim(), retain };
    case 'kafka':
      return { kind, topic: topic.trim() };
    default:
      return { kind };
  }
}

/** As the API takes it. */
export function specOf(draft: Draft): RuleSpec {
  return {
    name: draft.name.trim(),
    enabled: draft.enabled,
    trigger: draft.trigger,
    kinds: (draft.trigger === 'event' ? draft.kinds : []) as RuleSpec['kinds'] & object,
    alerts: draft.trigger === 'alert' ? draft.alerts : [],
    sites: draft.sites,
    when: draft.when,
    until: draft.until.trim() || null,
    limits: draft.limits,
    together: draft.together,
    replaces: draft.replaces,
    window: windowOf(draft.window),
    key: (draft.key || null) as NonNullable<RuleSpec['key']> | null,
    pause_s: draft.pauseS,
    tell_end: draft.tellEnd,
    actions: draft.actions.map(actionOf),
  };
}

/** A window without what its kind has no use for. */
export function windowOf({ kind, span_s, count }: Draft['window']): Draft['window'] {
  if (kind === 'none') return { kind, span_s: 0, count: 1 };
  return { kind, span_s, count: kind === 'rate' ? Math.max(2, count ?? 2) : 1 };
}

/** Another trigger has other names, keys and windows: what does not fit it goes. */
export function retriggered(draft: Draft, trigger: RuleTrigger, windows: readonly string[]): Draft {
  const isExample = draft.when === EXAMPLES[draft.trigger];
  return {
    ...draft,
    trigger,
    key: '',
    when: isExample ? EXAMPLES[trigger] : draft.when,
    together: null,
    window: windows.includes(draft.window.kind ?? 'none')
      ? draft.window
      : { kind: 'none', span_s: 0, count: 1 },
  };
}

/** How long and how often, in words. */
export function windowText({ kind, span_s, count }: Draft['window']): string {
  const length = span(span_s ?? 0);
  switch (kind) {
    case 'for':
      return t('rules.windowFor', { span: length });
    case 'rate':
      return t('rules.windowRate', { n: count ?? 1, span: length });
    case 'absence':
      return t('rules.windowAbsence', { span: length });
    default:
      return t('rules.windowNone');
  }
}

/** What an action does, in a few words. */
export function actionText({ kind, severity, address, url, topic }: ActionDraft): string {
  const what = { alert: word('severity', severity), mail: address, webhook: url, mqtt: topic, kafka: topic };
  const more = kind in what ? what[kind as keyof typeof what] : '';
  return [word('ruleAction', kind), more].filter(Boolean).join(' ');
}

const linesOf = (draft: Draft): [label: string, text: string][] => [
  [t('settings.name'), draft.name],
  [t('notifications.enabled'), t(draft.enabled ? 'yes' : 'no')],
  [t('rules.about'), word('ruleTrigger', draft.trigger)],
  [t('rules.when'), draft.when],
  [t('rules.until'), draft.until],
  [t('rules.limits'), limitsText(draft.limits)],
  [t('rules.window'), windowText(draft.window)],
  [t('rules.does'), draft.actions.map(actionText).join(', ')],
];

export const limitsText = (limits: Limits): string =>
  Object.entries(limits)
    .map(([name, value]) => `${name} = ${Array.isArray(value) ? value.join(', ') : value}`)
    .join('; ');

/** What differs between what is typed and what somebody else saved. */
export function differences(mine: Draft, theirs: Draft): Difference[] {
  const other = linesOf(theirs);
  return linesOf(mine)
    .map(([label, text], i): Difference => ({ label, mine: text, theirs: other[i]?.[1] ?? '' }))
    .filter((each) => each.mine !== each.theirs);
}

/** Where a fault is, as a range of the text: for putting the cursor there. */
export function offsetOf(text: string, line: number, column: number): number {
  const before = text.split('\n').slice(0, line - 1);
  return before.reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
}
