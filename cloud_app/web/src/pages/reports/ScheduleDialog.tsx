/** A scheduled report: made, changed, sent now, deleted. */

import { Send, Trash2 } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { ApiError, api, ask } from '../../api/client';
import type { ReportSchedule } from '../../api/types';
import { useData } from '../../api/useData';
import { toast, toastError } from '../../app/toasts';
import { Button } from '../../components/Button';
import { Confirm } from '../../components/Confirm';
import { Conflict } from '../../components/Conflict';
import { Dialog } from '../../components/Dialog';
import { Field, Segments, Select } from '../../components/Field';
import { Check, Checks } from '../../components/Form';
import { faultText } from '../../components/states';
import { LANGUAGES, t } from '../../i18n';
import { dateText } from './reports';
import { bodyOf, type Draft, differences, draftOf, emptyDraft } from './schedules';

interface Props {
  /** Absent: a new one. */
  schedule?: ReportSchedule;
  onDone: () => void;
}

const typed = (event: Event) => (event.currentTarget as HTMLInputElement).value;
const FORMATS = ['pdf', 'xlsx', 'csv'].map((value) => ({ value, label: value.toUpperCase() }));

export function ScheduleDialog({ schedule, onDone }: Props) {
  const tenants = useData('tenants', (signal) => ask(api.GET('/api/v1/tenants', { signal })));
  const sites = useData('sites', (signal) => ask(api.GET('/api/v1/sites', { signal })));
  const [draft, setDraft] = useState<Draft>(schedule ? draftOf(schedule) : emptyDraft());
  const [version, setVersion] = useState(schedule?.version ?? 0);
  const [newer, setNewer] = useState<ReportSchedule>();
  const [fault, setFault] = useState<string>();
  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change });
  const tenant = draft.tenant || tenants.data?.[0] || '';

  const save = async (event: Event) => {
    event.preventDefault();
    try {
      await ask(
        schedule
          ? api.PUT('/api/v1/report-schedules/{schedule}', {
              params: { path: { schedule: schedule.id }, header: { 'if-match': `"${version}"` } },
              body: bodyOf(draft),
            })
          : api.POST('/api/v1/report-schedules', { body: { ...bodyOf(draft), tenant } }),
      );
      toast(t('saved'), 'good');
      onDone();
    } catch (error) {
      if (error instanceof ApiError && error.status === 412) {
        const { schedule: found } = error.body as { schedule: ReportSchedule };
        setNewer(found);
        setVersion(found.version);
      } else setFault(error instanceof ApiError ? faultText(error) : String(error));
    }
  };

  return (
    <Dialog title={schedule ? schedule.name : t('reports.newSchedule')} onClose={onDone}>
      <form class="form" onSubmit={save}>
        {newer && (
          <Conflict
            differences={differences(draft, draftOf(newer))}
            onTake={() => {
              setDraft(draftOf(newer));
              setNewer(undefined);
            }}
          />
        )}
        <Field
          label={t('settings.name')}
          hint={t('reports.nameHint')}
          required
          maxLength={120}
          value={draft.name}
          onInput={(event: Event) => set({ name: typed(event) })}
        />
        {!schedule && (tenants.data?.length ?? 0) > 1 && (
          <Select
            label={t('keys.tenant')}
            value={tenant}
            options={(tenants.data ?? []).map((value) => ({ value, label: value }))}
            onChange={(value) => set({ tenant: value })}
          />
        )}
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
        {(sites.data?.length ?? 0) > 1 && (
          <Checks
            label={t('notifications.sites')}
            hint={t('notifications.anyHint')}
            values={draft.sites}
            options={(sites.data ?? []).map(({ site }) => ({ value: site, label: site }))}
            onChange={(chosen) => set({ sites: chosen })}
          />
        )}
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
        <Check
          label={t('reports.enabled')}
          checked={draft.enabled}
          onChange={(enabled) => set({ enabled })}
        />
        {fault && (
          <p class="banner rounded bad" role="alert">
            {fault}
          </p>
        )}
        <footer>
          {schedule && <Existing schedule={schedule} onGone={onDone} />}
          <Button type="submit" tone="primary">
            {t('action.save')}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}

/** What only a saved schedule can do. */
function Existing({ schedule, onGone }: { schedule: ReportSchedule; onGone: () => void }) {
  const [isAsking, setAsking] = useState(false);
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
  const remove = async () => {
    try {
      await ask(api.DELETE('/api/v1/report-schedules/{schedule}', { params }));
      toast(t('reports.scheduleDeleted'), 'good');
      onGone();
    } catch (error) {
      toastError(error);
    }
  };
  return (
    <>
      <Button icon={Trash2} tone="danger" onClick={() => setAsking(true)}>
        {t('action.delete')}
      </Button>
      <Button icon={Send} disabled={isBusy} onClick={send}>
        {t('reports.sendNow')}
      </Button>
      {isAsking && (
        <Confirm
          title={t('reports.deleteTitle')}
          text={t('reports.deleteHint', { name: schedule.name })}
          action={t('action.delete')}
          onConfirm={remove}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}
