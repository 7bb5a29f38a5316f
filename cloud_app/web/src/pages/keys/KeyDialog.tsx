import { useState } from 'preact/hooks';
import { ApiError, api, ask } from '../../api/client';
import type { Scope } from '../../api/types';
import { useData } from '../../api/useData';
import { Button } from '../../components/Button';
import { Dialog } from '../../components/Dialog';
import { Field, Select } from '../../components/Field';
import { Checks } from '../../components/Form';
import { Secret } from '../../components/Secret';
import { faultText } from '../../components/states';
import { t, tn, word } from '../../i18n';
import { LIVES_DAYS } from './keys';

const SCOPES: readonly Scope[] = ['read', 'write', 'intake'];
const DAY_MS = 86_400_000;

/** Make a key; it is shown this once. */
export function KeyDialog({ onDone }: { onDone: () => void }) {
  const tenants = useData('tenants', (signal) => ask(api.GET('/api/v1/tenants', { signal })));
  const sites = useData('sites', (signal) => ask(api.GET('/api/v1/sites', { signal })));
  const [name, setName] = useState('');
  const [chosen, setTenant] = useState('');
  const [scopes, setScopes] = useState<string[]>(['read']);
  const [only, setOnly] = useState<string[]>([]);
  const [days, setDays] = useState('365');
  const [fault, setFault] = useState<string>();
  const [secret, setSecret] = useState<string>();
  const tenant = chosen || tenants.data?.[0] || '';

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
      setFault(error instanceof ApiError ? faultText(error) : String(error));
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
          onInput={(event: Event) => setName((event.currentTarget as HTMLInputElement).value)}
        />
        <Select
          label={t('keys.tenant')}
          value={tenant}
          options={(tenants.data ?? []).map((value) => ({ value, label: value }))}
          onChange={setTenant}
        />
        <Checks
          label={t('keys.scopes')}
          values={scopes}
          options={SCOPES.map((value) => ({ value, label: word('scope', value) }))}
          onChange={setScopes}
        />
        {(sites.data?.length ?? 0) > 1 && (
          <Checks
            label={t('notifications.sites')}
            hint={t('notifications.anyHint')}
            values={only}
            options={(sites.data ?? []).map(({ site }) => ({ value: site, label: site }))}
            onChange={setOnly}
          />
        )}
        <Select
          label={t('keys.expires')}
          value={days}
          options={LIVES_DAYS.map((n) => ({
            value: String(n),
            label: n ? tn('keys.days', n) : t('keys.noEnd'),
          }))}
          onChange={setDays}
        />
        {fault && (
          <p class="banner rounded bad" role="alert">
            {fault}
          </p>
        )}
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
