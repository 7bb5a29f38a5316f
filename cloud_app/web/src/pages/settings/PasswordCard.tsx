import { useState } from 'preact/hooks';
import { ApiError, api, ask } from '../../api/client';
import { refreshAccess } from '../../app/session';
import { toast } from '../../app/toasts';
import { Button } from '../../components/Button';
import { Card } from '../../components/Card';
import { Field, typed } from '../../components/Field';
import { faultText } from '../../components/states';
import { t } from '../../i18n';

/** Change the password; every other session ends. */
export function PasswordCard({ email }: { email: string }) {
  const [old, setOld] = useState('');
  const [next, setNext] = useState('');
  const [fault, setFault] = useState<string>();
  const change = async (event: Event) => {
    event.preventDefault();
    try {
      await ask(api.PUT('/api/v1/me/password', { body: { old, new: next } }));
      // The session is a new one, with a new token for changes.
      await refreshAccess();
      setOld('');
      setNext('');
      setFault(undefined);
      toast(t('settings.passwordChanged'), 'good');
    } catch (error) {
      setFault(error instanceof ApiError ? faultText(error) : String(error));
    }
  };
  return (
    <Card title={t('login.password')}>
      <form class="form" onSubmit={change}>
        <input type="hidden" autocomplete="username" value={email} />
        <Field
          label={t('settings.oldPassword')}
          type="password"
          autocomplete="current-password"
          required
          value={old}
          onInput={(event: Event) => setOld(typed(event))}
        />
        <Field
          label={t('login.newPassword')}
          hint={t('settings.passwordHint')}
          type="password"
          autocomplete="new-password"
          required
          value={next}
          fault={fault ?? null}
          onInput={(event: Event) => setNext(typed(event))}
        />
        <footer>
          <Button type="submit" disabled={!old || !next}>
            {t('settings.changePassword')}
          </Button>
        </footer>
      </form>
    </Card>
  );
}
