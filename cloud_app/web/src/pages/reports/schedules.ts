/** Scheduled reports without markup: the form, and what the API takes. */

import type { ReportSchedule, ScheduleBody } from '../../api/types';
import type { Difference } from '../../components/Conflict';
import { language, t } from '../../i18n';

export interface Draft {
  tenant: string;
  name: string;
  enabled: boolean;
  every: 'week' | 'month';
  /** Addresses, separated by commas or white space. */
  recipients: string;
  sites: string[];
  formats: string[];
  language: 'en' | 'de';
}

export const emptyDraft = (): Draft => ({
  tenant: '',
  name: '',
  enabled: true,
  every: 'month',
  recipients: '',
  sites: [],
  formats: ['pdf'],
  language: language.value,
});

export const draftOf = (schedule: ReportSchedule): Draft => ({
  tenant: schedule.tenant,
  name: schedule.name,
  enabled: schedule.enabled,
  every: schedule.every,
  recipients: schedule.recipients.join(', '),
  sites: schedule.sites,
  formats: schedule.formats,
  language: schedule.language,
});

/** As the API takes it. */
export const bodyOf = (draft: Draft): ScheduleBody => ({
  name: draft.name.trim(),
  enabled: draft.enabled,
  every: draft.every,
  recipients: draft.recipients.split(/[\s,;]+/).filter(Boolean),
  sites: draft.sites,
  formats: draft.formats as ScheduleBody['formats'],
  language: draft.language,
});

function linesOf(draft: Draft): [label: string, text: string][] {
  const body = bodyOf(draft);
  return [
    [t('settings.name'), draft.name],
    [t('notifications.enabled'), t(draft.enabled ? 'yes' : 'no')],
    [t('reports.every'), t(`reports.every.${draft.every}`)],
    [t('reports.recipients'), (body.recipients ?? []).join(', ')],
    [t('notifications.sites'), draft.sites.join(', ') || t('list.all')],
    [t('reports.formats'), draft.formats.join(', ').toUpperCase()],
    [t('settings.language'), draft.language],
  ];
}

export function differences(mine: Draft, theirs: Draft): Difference[] {
  const other = linesOf(theirs);
  return linesOf(mine).flatMap(([label, text], i) => {
    const there = other[i]?.[1] ?? '';
    return text === there ? [] : [{ label, mine: text, theirs: there }];
  });
}
