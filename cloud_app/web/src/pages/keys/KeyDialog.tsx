import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { Scope } from '../../api/types';
import { SitesChecks, useTenants } from '../../app/choices';
import { Button } from '../../components/Button';
import { Dialog } from '../../components/Dialog';
import { Field, Select, typed } from '../../components/Field';
import { Checks } from '../../components/Form';
import { Secret } from '../../components/Secret';
import { Fault, faultText } from '../../components/states';
import { t, tn, word } from '../../i18n';
import { LIVES_DAYS } from './keys';

const SCOPES: readonly Scope[] = ['read', 'write', 'intake'];
const DAY_MS = 86_400_000;

/** Make a key; it is shown this once. */
export function KeyDialog({ onDone }: { onDone: () => void }) {
  const [name, setName] = useState('');
  const [chosen, setTenant] = useState('');
  const { tenant, tenants } = useTenants(chosen);
  const [scopes, setScopes] = useState<string[]>(['read']);
  const [only, setOnly] = useState<string[]>([]);
  const [days, setDays] = useState('365');
  const [fault, setFault] = useState<string>();
  const [secret, setSecret] = useState<string>();

  const make = async (event: Event) => {
    event.preventDefault();
    try {
      const made = await ask(
        api.POST('/api/v1/keys', {
          body: {
            name: name.trim(),
            tenant,
            scopes: scopes as Scope[],
            ...(only.length && { sites: only }),
            ...(Number(days) && { expires: new Date(Date.now() + Number(days) * DAY_MS).toISOString() }),
          },
        }),
      );
      setSecret(made.secret);
    } catch (error) {
      setFault(faultText(error));
    }
  };

  if (secret) {
    return (
      <Dialog title={t('keys.shown')} onClose={onDone}>
        <div class="form">
          <p>{t('keys.shownHint')}</p>
          <Secret text={secret} label={t('keys.shown')} />
          <p class="soft small">
            <code>Authorization: Bearer {secret.slice(0, 12)}…</code>
          </p>
          <footer>
            <Button tone="primary" onClick={onDone}>
              {t('keys.kept')}
            </Button>
          </footer>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={t('keys.make')} onClose={onDone}>
      <form class="form" onSubmit={make}>
        <Field
          label={t('settings.name')}
          hint={t('keys.nameHint')}
          required
          maxLength={120}
          value={name}
          onInput={(event: Event) => setName(typed(event))}
        />
        <Select
          label={t('keys.tenant')}
          value={tenant}
          options={tenants.map((value) => ({ value, label: value }))}
          onChange={setTenant}
        />
        <Checks
          label={t('keys.scopes')}
          values={scopes}
          options={SCOPES.map((value) => ({ value, label: word('scope', value) }))}
          onChange={setScopes}
        />
        <SitesChecks values={only} onChange={setOnly} />
        <Select
          label={t('keys.expires')}
          value={days}
          options={LIVES_DAYS.map((n) => ({
            value: String(n),
            label: n ? tn('keys.days', n) : t('keys.noEnd'),
          }))}
          onChange={setDays}
        />
        <Fault text={fault} />
        <footer>
          <Button onClick={onDone}>{t('action.cancel')}</Button>
          <Button type="submit" tone="primary" disabled={!scopes.length || !tenant}>
            {t('keys.make')}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
