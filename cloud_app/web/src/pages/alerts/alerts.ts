/** Alerts without markup: what they are about, what may be done, which are asked for. */

import type { Alert, AlertState, IncidentKind, Severity } from '../../api/types';
import { t, word } from '../../i18n';
import { dayBound, siteTime } from '../../i18n/format';
import { momentAt, zoneOf } from '../../i18n/zones';

export const STATES = ['open', 'acknowledged', 'silenced', 'closed'] as const satisfies readonly AlertState[];
export const SEVERITIES = ['critical', 'warning', 'info'] as const satisfies readonly Severity[];
export const RULES = [
  'edge_offline',
  'camera_lost',
  'lot_full',
  'incident',
  'events_lost',
  'edge_wrong_site',
  'edge_not_registered',
  'edge_lot_disputed',
  'edge_flooding',
  'sensor_silent',
  'sensor_battery',
  'sources_differ',
  'sensor_lies',
  'gate_silent',
  'count_drift',
  'rule_quarantined',
] as const;
export const INCIDENT_KINDS = [
  'outside_bay',
  'double_parking',
  'straddling',
  'overstay',
  'wrong_use',
] as const satisfies readonly IncidentKind[];

/** What opened an alert, in words: a rule of the service, or one of people's own. */
export const ruleText = (rule: string) => (rule.startsWith('rule:') ? t('rules.own') : word('rule', rule));

/** The gravest is the lowest. */
export const gravity = (severity: Severity) => SEVERITIES.indexOf(severity);

/** Looks of states and severities. */
export const TONES: Record<AlertState | Severity, string> = {
  open: 'bad',
  acknowledged: 'info',
  silenced: '',
  closed: '',
  critical: 'bad',
  warning: 'warn',
  info: 'info',
};

/** What the API is asked for, by the query of the page. Without a state: those that are not closed. */
export function alertQuery(values: Readonly<Record<string, string>>, me: string | null) {
  const { state, severity, rule, site, assignee, q } = values;
  const [from, to] = [dayBound(values.from, false, zoneOf(site)), dayBound(values.to, true, zoneOf(site))];
  const states = state === 'any' ? [...STATES] : state ? [state] : STATES.filter((each) => each !== 'closed');
  return {
    state: states as AlertState[],
    ...(severity && { severity: severity as Severity }),
    ...(rule && { rule }),
    ...(site && { site }),
    ...(assignee === 'me' ? me && { assignee: me } : assignee && { assignee }),
    ...(q && { q: q.slice(0, 100) }),
    ...(from && { from }),
    ...(to && { to }),
  };
}

/** Where the thing is that an alert is about; null where no page shows it. */
export function subjectHref({
  rule,
  site,
  subject,
}: Pick<Alert, 'rule' | 'site' | 'subject'>): string | null {
  const part = encodeURIComponent;
  if (rule === 'lot_full') return `/lots/${part(site)}/${part(subject)}`;
  if (rule.startsWith('sensor_')) {
    // Of many at once it is the lot.
    if (!subject.endsWith('/*')) return `/sensors/${part(subject)}`;
    const lot = subject.slice(0, -2);
    return `/sensors?${new URLSearchParams({ site, lot, condition: 'silent' })}`;
  }
  const [edge = '', rest] = subject.split(/[/ ]/);
  if (rule === 'incident') return `/incidents?${new URLSearchParams({ incident: `${edge}/${rest ?? ''}` })}`;
  if (rule === 'camera_lost' || rule === 'events_lost' || rule.startsWith('edge_'))
    return `/edges/${part(edge)}`;
  return null;
}

export type Action = 'acknowledge' | 'assign' | 'silence' | 'unsilence' | 'comment' | 'close';

/** What the service would take, by the state. */
export function actionsOf(alert: Pick<Alert, 'state' | 'acknowledged_at'>): Action[] {
  if (alert.state === 'closed') return ['comment'];
  return [
    ...(alert.acknowledged_at === null ? (['acknowledge'] as const) : []),
    'assign',
    alert.state === 'silenced' ? 'unsilence' : 'silence',
    'comment',
    'close',
  ];
}

const HOUR_S = 3600;
/** Choices for the end of a silence, in seconds from now. */
export const SILENCES_S = [
  HOUR_S,
  4 * HOUR_S,
  8 * HOUR_S,
  24 * HOUR_S,
  3 * 24 * HOUR_S,
  7 * 24 * HOUR_S,
] as const;

/** A moment of a `datetime-local` field in a site's time, or the reader's; null if it is none. */
export function localMoment(text: string, zone: string | null = null): string | null {
  const shownMs = Date.parse(`${text}Z`);
  return Number.isNaN(shownMs) ? null : new Date(momentAt(shownMs, zone)).toISOString();
}

const UTC = /(\d{4}-\d\d-\d\d) (\d\d:\d\d(?::\d\d)?) UTC/g;

/** What an alert says, its moments as the clocks at its site show them. */
export const alertText = ({ text, site }: { text: string; site: string | null }): string =>
  text.replace(UTC, (_, date: string, time: string) => siteTime(`${date}T${time}Z`, zoneOf(site)));
