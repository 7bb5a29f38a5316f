/** A notification rule: made, changed, tried out, deleted. */

import { Send } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { Notification } from '../../api/types';
import { SitesChecks, TenantSelect, useTenants } from '../../app/choices';
import { toast, toastError } from '../../app/toasts';
import { Button } from '../../components/Button';
import { DeleteButton } from '../../components/Confirm';
import { EditDialog, ifMatch, useEditing } from '../../components/editing';
import { Field, Segments, Select, typed } from '../../components/Field';
import { Check, Checks, coded } from '../../components/Form';
import { t } from '../../i18n';
import { RULES, SEVERITIES } from '../alerts/alerts';
import { bodyOf, DELAYS_S, type Draft, delayText, differences, draftOf, emptyDraft } from './notifications';

interface Props {
  /** Absent: a new one. */
  rule?: Notification;
  onDone: () => void;
}

export function NotificationDialog({ rule, onDone }: Props) {
  const editing = useEditing<Notification, Draft>({
    thing: rule,
    name: 'notification',
    draftOf: (of) => (of ? draftOf(of) : emptyDraft('')),
    differences,
    save: (draft, now) =>
      ask(
        now
          ? api.PUT('/api/v1/notifications/{notification}', {
              params: { path: { notification: now.id }, header: ifMatch(now) },
              body: bodyOf(draft),
            })
          : api.POST('/api/v1/notifications', { body: { ...bodyOf(draft), tenant: whose.tenant } }),
      ),
    onDone,
  });
  const { draft, set } = editing;
  const whose = useTenants(draft.tenant);
  return (
    <EditDialog
      title={rule ? rule.name : t('notifications.new')}
      of={editing}
      actions={rule && <Existing rule={rule} onGone={onDone} />}
    >
      <Field
        label={t('settings.name')}
        required
        maxLength={120}
        value={draft.name}
        onInput={(event: Event) => set({ name: typed(event) })}
      />
      {!rule && <TenantSelect of={whose} onChange={(tenant) => set({ tenant })} />}
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
      <SitesChecks values={draft.sites} onChange={(sites) => set({ sites })} />
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
    </EditDialog>
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
  return (
    <>
      <DeleteButton
        title={t('notifications.deleteTitle')}
        text={t('notifications.deleteHint', { name: rule.name })}
        onDelete={() => ask(api.DELETE('/api/v1/notifications/{notification}', { params }))}
        deleted={t('notifications.deleted')}
        onGone={onGone}
      />
      <Button icon={Send} disabled={isBusy} onClick={test}>
        {t('notifications.test')}
      </Button>
    </>
  );
}
