/** The audit log without markup. */

import type { AuditLine } from '../../api/types';
import { word } from '../../i18n';
import { dayBound } from '../../i18n/format';

/** What the API is asked for, by the query of the page. */
export function auditQuery(values: Readonly<Record<string, string>>) {
  const { tenant, actor, action, subject } = values;
  const [start, end] = [dayBound(values.from), dayBound(values.to, true)];
  return {
    ...(tenant && { tenant }),
    ...(actor && { actor }),
    ...(action && { action }),
    ...(subject && { subject }),
    ...(start && { start }),
    ...(end && { end }),
  };
}

/** A value of a fact on one line. */
export const shown = (value: unknown): string =>
  value === undefined || value === null ? '–' : typeof value === 'string' ? value : JSON.stringify(value);

/** Each fact that a line tells of, before and after. */
export function changesOf({
  before,
  after,
}: Pick<AuditLine, 'before' | 'after'>): [string, string, string][] {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].sort();
  return names.map((name) => [name, shown(before?.[name]), shown(after?.[name])]);
}

/** Groups of actions, as the filter has them; the API finds all below. */
export const ACTIONS = [
  'login',
  'session',
  'password',
  'totp',
  'person',
  'role',
  'key',
  'registry',
  'alert',
  'notification',
  'audit',
] as const;

/** An action in words: `person.create` is a subject and what was done with it. */
export function actionText(action: string): string {
  const [subject = '', ...done] = action.split('.');
  return [word('auditOf', subject), word('auditDone', done.join('_'))].filter(Boolean).join(': ');
}
