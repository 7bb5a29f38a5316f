/** Notification rules without markup: the form, and what of it differs from what somebody else saved. */

import type { AlertRule, Notification, NotificationBody, Severity } from '../../api/types';
import type { Difference } from '../../components/Conflict';
import { t, word } from '../../i18n';
import { span } from '../../i18n/format';

export interface Draft {
  tenant: string;
  name: string;
  enabled: boolean;
  kind: 'mail' | 'webhook';
  address: string;
  url: string;
  /** Empty: the one before stays, if there is one. */
  secret: string;
  severities: string[];
  rules: string[];
  sites: string[];
  afterS: number;
  alsoClosed: boolean;
}

export const emptyDraft = (tenant: string): Draft => ({
  tenant,
  name: '',
  enabled: true,
  kind: 'mail',
  address: '',
  url: '',
  secret: '',
  severities: [],
  rules: [],
  sites: [],
  afterS: 0,
  alsoClosed: false,
});

export function draftOf({ to, ...rule }: Notification): Draft {
  return {
    tenant: rule.tenant,
    name: rule.name,
    enabled: rule.enabled,
    kind: to.kind,
    address: to.kind === 'mail' ? to.address : '',
    url: to.kind === 'webhook' ? to.url : '',
    secret: '',
    severities: rule.severities,
    rules: rule.rules,
    sites: rule.sites,
    afterS: rule.after_s,
    alsoClosed: rule.also_closed,
  };
}

/** As the API takes it. */
export function bodyOf(draft: Draft): NotificationBody {
  const { kind, address, url, secret } = draft;
  return {
    name: draft.name.trim(),
    enabled: draft.enabled,
    to:
      kind === 'mail'
        ? { kind, address: address.trim() }
        : { kind, url: url.trim(), ...(secret && { secret }) },
    severities: draft.severities as Severity[],
    rules: draft.rules as AlertRule[],
    sites: draft.sites,
    after_s: draft.afterS,
    also_closed: draft.alsoClosed,
  };
}

const MINUTE_S = 60;
export const DELAYS_S = [0, 5, 10, 15, 30, 60, 240].map((minutes) => minutes * MINUTE_S);

export const delayText = (seconds: number) =>
  seconds ? t('notifications.after', { span: span(seconds) }) : t('notifications.atOnce');

const wordsOf = (group: string, codes: readonly string[]) =>
  codes.map((code) => word(group, code)).join(', ') || t('list.all');

/** Each field of a draft as people read it. */
export function linesOf(draft: Draft): [label: string, text: string][] {
  return [
    [t('settings.name'), draft.name],
    [t('notifications.enabled'), t(draft.enabled ? 'yes' : 'no')],
    [t('notifications.to'), draft.kind === 'mail' ? draft.address : draft.url],
    [t('alerts.severity'), wordsOf('severity', draft.severities)],
    [t('alerts.rule'), wordsOf('rule', draft.rules)],
    [t('notifications.sites'), draft.sites.join(', ') || t('list.all')],
    [t('notifications.when'), delayText(draft.afterS)],
    [t('notifications.alsoClosed'), t(draft.alsoClosed ? 'yes' : 'no')],
  ];
}

export function differences(mine: Draft, theirs: Draft): Difference[] {
  const other = linesOf(theirs);
  return linesOf(mine).flatMap(([label, text], i) => {
    const there = other[i]?.[1] ?? '';
    return text === there ? [] : [{ label, mine: text, theirs: there }];
  });
}
