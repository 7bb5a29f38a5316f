/** A scheduled report: made, changed, sent now, deleted. */

import { Send } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { ReportSchedule } from '../../api/types';
import { SitesChecks, TenantSelect, useTenants } from '../../app/choices';
import { toast, toastError } from '../../app/toasts';
import { Button } from '../../components/Button';
import { DeleteButton } from '../../components/Confirm';
import { EditDialog, ifMatch, useEditing } from '../../components/editing';
import { Field, Segments, Select, typed } from '../../components/Field';
import { Check, Checks } from '../../components/Form';
import { LANGUAGES, t } from '../../i18n';
import { dateText } from './reports';
import { bodyOf, type Draft, differences, draftOf, emptyDraft } from './schedules';

interface Props {
  /** Absent: a new one. */
  schedule?: ReportSchedule;
  onDone: () => void;
}

const FORMATS = ['pdf', 'xlsx', 'csv'].map((value) => ({ value, label: value.toUpperCase() }));

export function ScheduleDialog({ schedule, onDone }: Props) {
  const editing = useEditing<ReportSchedule, Draft>({
    thing: schedule,
    name: 'schedule',
    draftOf: (of) => (of ? draftOf(of) : emptyDraft()),
    differences,
    save: (draft, now) =>
      ask(
        now
          ? api.PUT('/api/v1/report-schedules/{schedule}', {
              params: { path: { schedule: now.id }, header: ifMatch(now) },
              body: bodyOf(draft),
            })
          : api.POST('/api/v1/report-schedules', { body: { ...bodyOf(draft), tenant: whose.tenant } }),
      ),
    onDone,
  });
  const { draft, set } = editing;
  const whose = useTenants(draft.tenant);
  return (
    <EditDialog
      title={schedule ? schedule.name : t('reports.newSchedule')}
      of={editing}
      actions={schedule && <Existing schedule={schedule} onGone={onDone} />}
    >
      <Field
        label={t('settings.name')}
        hint={t('reports.nameHint')}
        required
        maxLength={120}
        value={draft.name}
        onInput={(event: Event) => set({ name: typed(event) })}
      />
      {!schedule && <TenantSelect of={whose} onChange={(tenant) => set({ tenant })} />}
      <div class="field">
        <span>{t('reports.every')}</span>
        <Segments<Draft['every']>
          label={t('reports.every')}
          value={draft.every}
          options={(['week', 'month'] as const).map((value) => ({
            value,
            label: t(`reports.every.${value}`),
          }))}
          onChange={(every) => set({ every })}
        />
      </div>
      <Field
        label={t('reports.recipients')}
        hint={t('reports.recipientsHint')}
        required
        value={draft.recipients}
        onInput={(event: Event) => set({ recipients: typed(event) })}
      />
      <SitesChecks values={draft.sites} onChange={(sites) => set({ sites })} />
      <Checks
        label={t('reports.formats')}
        values={draft.formats}
        options={FORMATS}
        onChange={(formats) => set({ formats })}
      />
      <Select
        label={t('settings.language')}
        value={draft.language}
        options={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
        onChange={(value) => set({ language: value as Draft['language'] })}
      />
      <Check label={t('reports.enabled')} checked={draft.enabled} onChange={(enabled) => set({ enabled })} />
    </EditDialog>
  );
}

/** What only a saved schedule can do. */
function Existing({ schedule, onGone }: { schedule: ReportSchedule; onGone: () => void }) {
  const [isBusy, setBusy] = useState(false);
  const params = { path: { schedule: schedule.id } };
  const send = async () => {
    setBusy(true);
    try {
      const { first, last } = await ask(api.POST('/api/v1/report-schedules/{schedule}/send', { params }));
      toast(t('reports.onItsWay', { first: dateText(first), last: dateText(last) }), 'good');
    } catch (error) {
      toastError(error);
    }
    setBusy(false);
  };
  return (
    <>
      <DeleteButton
        title={t('reports.deleteTitle')}
        text={t('reports.deleteHint', { name: schedule.name })}
        onDelete={() => ask(api.DELETE('/api/v1/report-schedules/{schedule}', { params }))}
        deleted={t('reports.scheduleDeleted')}
        onGone={onGone}
      />
      <Button icon={Send} disabled={isBusy} onClick={send}>
        {t('reports.sendNow')}
      </Button>
    </>
  );
}
