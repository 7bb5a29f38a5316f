/** A notification rule: made, changed, tried out, deleted. */

import { Send, Trash2 } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { ApiError, api, ask } from '../../api/client';
import type { Notification } from '../../api/types';
import { useData } from '../../api/useData';
import { toast, toastError } from '../../app/toasts';
import { Button } from '../../components/Button';
import { Confirm } from '../../components/Confirm';
import { Conflict } from '../../components/Conflict';
import { Dialog } from '../../components/Dialog';
import { Field, Segments, Select } from '../../components/Field';
import { Check, Checks } from '../../components/Form';
import { faultText } from '../../components/states';
import { t, word } from '../../i18n';
import { RULES, SEVERITIES } from '../alerts/alerts';
import { bodyOf, DELAYS_S, type Draft, delayText, differences, draftOf, emptyDraft } from './notifications';

interface Props {
  /** Absent: a new one. */
  rule?: Notification;
  onDone: () => void;
}

const typed = (event: Event) => (event.currentTarget as HTMLInputElement).value;
const coded = (group: string, codes: readonly string[]) =>
  codes.map((value) => ({ value, label: word(group, value) }));

export function NotificationDialog({ rule, onDone }: Props) {
  const tenants = useData('tenants', (signal) => ask(api.GET('/api/v1/tenants', { signal })));
  const sites = useData('sites', (signal) => ask(api.GET('/api/v1/sites', { signal })));
  const [draft, setDraft] = useState<Draft>(rule ? draftOf(rule) : emptyDraft(''));
  const [version, setVersion] = useState(rule?.version ?? 0);
  const [newer, setNewer] = useState<Notification>();
  const [fault, setFault] = useState<string>();
  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change });
  const tenant = draft.tenant || tenants.data?.[0] || '';

  const save = async (event: Event) => {
    event.preventDefault();
    try {
      await ask(
        rule
          ? api.PUT('/api/v1/notifications/{notification}', {
              params: { path: { notification: rule.id }, header: { 'if-match': `"${version}"` } },
              body: bodyOf(draft),
            })
          : api.POST('/api/v1/notifications', { body: { ...bodyOf(draft), tenant } }),
      );
      toast(t('saved'), 'good');
      onDone();
    } catch (error) {
      if (error instanceof ApiError && error.status === 412) {
        const { notification } = error.body as { notification: Notification };
        setNewer(notification);
        setVersion(notification.version);
      } else setFault(error instanceof ApiError ? faultText(error) : String(error));
    }
  };

  return (
    <Dialog title={rule ? rule.name : t('notifications.new')} onClose={onDone}>
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
          required
          maxLength={120}
          value={draft.name}
          onInput={(event: Event) => set({ name: typed(event) })}
        />
        {!rule && (tenants.data?.length ?? 0) > 1 && (
          <Select
            label={t('keys.tenant')}
            value={tenant}
            options={(tenants.data ?? []).map((value) => ({ value, label: value }))}
            onChange={(value) => set({ tenant: value })}
          />
        )}
        <Destination draft={draft} set={set} isSigned={rule?.to.kind === 'webhook' && rule.to.signed} />
        <Checks
          label={t('alerts.severity')}
          hint={t('notifications.anyHint')}
          values={draft.severities}
          options={coded('severity', SEVERITIES)}
          onChange={(severities) => set({ severities })}
        />
        <Checks
          label={t('alerts.rule')}
          hint={t('notifications.anyHint')}
          values={draft.rules}
          options={coded('rule', RULES)}
          onChange={(rules) => set({ rules })}
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
        <Select
          label={t('notifications.when')}
          value={String(draft.afterS)}
          options={[...new Set([...DELAYS_S, draft.afterS])].map((seconds) => ({
            value: String(seconds),
            label: delayText(seconds),
          }))}
          onChange={(value) => set({ afterS: Number(value) })}
        />
        <div>
          <Check
            label={t('notifications.alsoClosed')}
            checked={draft.alsoClosed}
            onChange={(alsoClosed) => set({ alsoClosed })}
          />
          <Check
            label={t('notifications.enabled')}
            checked={draft.enabled}
            onChange={(enabled) => set({ enabled })}
          />
        </div>
        {fault && (
          <p class="banner rounded bad" role="alert">
            {fault}
          </p>
        )}
        <footer>
          {rule && <Existing rule={rule} onGone={onDone} />}
          <Button type="submit" tone="primary">
            {t('action.save')}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}

interface DestinationProps {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
  isSigned: boolean;
}

function Destination({ draft, set, isSigned }: DestinationProps) {
  return (
    <>
      <div class="field">
        <span>{t('notifications.to')}</span>
        <Segments<Draft['kind']>
          label={t('notifications.to')}
          value={draft.kind}
          options={[
            { value: 'mail', label: t('notifications.mail') },
            { value: 'webhook', label: t('notifications.webhook') },
          ]}
          onChange={(kind) => set({ kind })}
        />
      </div>
      {draft.kind === 'mail' ? (
        <Field
          label={t('login.email')}
          type="email"
          required
          value={draft.address}
          onInput={(event: Event) => set({ address: typed(event) })}
        />
      ) : (
        <>
          <Field
            label={t('notifications.url')}
            type="url"
            required
            placeholder="https://"
            value={draft.url}
            onInput={(event: Event) => set({ url: typed(event) })}
          />
          <Field
            label={t('notifications.secret')}
            hint={t(isSigned ? 'notifications.secretKept' : 'notifications.secretHint')}
            type="password"
            autocomplete="off"
            value={draft.secret}
            onInput={(event: Event) => set({ secret: typed(event) })}
          />
        </>
      )}
    </>
  );
}

/** What only a saved rule can do. */
function Existing({ rule, onGone }: { rule: Notification; onGone: () => void }) {
  const [isAsking, setAsking] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const params = { path: { notification: rule.id } };
  const test = async () => {
    setBusy(true);
    try {
      const { delivered, detail } = await ask(
        api.POST('/api/v1/notifications/{notification}/test', { params }),
      );
      toast(detail, delivered ? 'good' : 'bad');
    } catch (error) {
      toastError(error);
    }
    setBusy(false);
  };
  const remove = async () => {
    try {
      await ask(api.DELETE('/api/v1/notifications/{notification}', { params }));
      toast(t('notifications.deleted'), 'good');
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
      <Button icon={Send} disabled={isBusy} onClick={test}>
        {t('notifications.test')}
      </Button>
      {isAsking && (
        <Confirm
          title={t('notifications.deleteTitle')}
          text={t('notifications.deleteHint', { name: rule.name })}
          action={t('action.delete')}
          onConfirm={remove}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}
