/** Logging in, and setting a password with a link from a mail. */

import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { ApiError, api, ask } from '../../api/client';
import { Preferences } from '../../app/AccountMenu';
import { refreshAccess } from '../../app/session';
import { toastError } from '../../app/toasts';
import { Button } from '../../components/Button';
import { Field } from '../../components/Field';
import { useTitle } from '../../components/Page';
import { faultText } from '../../components/states';
import { t } from '../../i18n';
import { LoginForm } from './LoginForm';
import { localPath, type MailLink, mailLink } from './links';
import './login.css';

export function LoginPage() {
  const { query, route } = useLocation();
  const [link, setLink] = useState(() => mailLink(location.hash));
  const [email, setEmail] = useState('');
  const target = localPath(query.to);
  const refused = query.refused && refusal(query.refused);
  useTitle(t('login.title'));

  const enter = () => refreshAccess().then(() => route(target, true), toastError);
  const passwordSet = (of: string) => {
    history.replaceState(null, '', location.pathname);
    setEmail(of);
    setLink(null);
  };

  return (
    <main class="login">
      <section class="login-card">
        <h1 class="brand">
          <img src="/shared/icon.svg" alt="" width="32" height="32" />
          lotsight
        </h1>
        {link ? (
          <PasswordForm link={link} onSet={passwordSet} />
        ) : (
          <>
            {refused && (
              <p role="alert" class="banner rounded bad">
                {refused}
              </p>
            )}
            <p class="soft">{email ? t('login.passwordSet') : t('login.welcome')}</p>
            <LoginForm key={email} email={email} target={target} onIn={enter} />
          </>
        )}
        <hr />
        <Preferences />
      </section>
    </main>
  );
}

/** Why single sign-on let nobody in. */
function refusal(code: string): string {
  if (code === 'uninvited') return t('login.uninvited');
  return t(code === 'provider' ? 'login.providerAway' : 'login.signInFailed');
}

const PASSWORD_MIN = 12;

function PasswordForm({ link, onSet }: { link: MailLink; onSet: (email: string) => void }) {
  const [fault, setFault] = useState<string | null>(null);
  const isInvitation = link.kind === 'invitation';
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const password = String(new FormData(event.currentTarget as HTMLFormElement).get('new'));
    try {
      const params = { path: { kind: link.kind } };
      const { email } = await ask(
        api.POST('/api/v1/links/{kind}', { params, body: { secret: link.secret, password } }),
      );
      onSet(email);
    } catch (error) {
      setFault(error instanceof ApiError ? faultText(error) : String(error));
    }
  };
  return (
    <form class="stack" onSubmit={submit}>
      <p class="soft">{isInvitation ? t('login.invited') : t('login.reset')}</p>
      <Field
        label={t('login.newPassword')}
        hint={t('login.newPasswordHint', { n: PASSWORD_MIN })}
        fault={fault}
        name="new"
        type="password"
        autocomplete="new-password"
        minlength={PASSWORD_MIN}
        required
      />
      <Button tone="primary" type="submit">
        {t('login.setPassword')}
      </Button>
    </form>
  );
}
