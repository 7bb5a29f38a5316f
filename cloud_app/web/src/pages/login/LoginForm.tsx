/** E-mail, password and, if asked, a code; or the provider; or an access token. */

import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, api, ask, dropAccessToken, keepAccessToken } from '../../api/client';
import { useData } from '../../api/useData';
import { Button, ButtonLink } from '../../components/Button';
import { Field } from '../../components/Field';
import { faultText } from '../../components/states';
import { t } from '../../i18n';

interface LoginFormProps {
  email?: string;
  /** Where the provider sends people back to. */
  target: string;
  onIn: () => void;
}

export function LoginForm({ email = '', target, onIn }: LoginFormProps) {
  const [withToken, setWithToken] = useState(false);
  return withToken ? (
    <TokenForm onIn={onIn} onBack={() => setWithToken(false)} />
  ) : (
    <PasswordForm email={email} target={target} onIn={onIn} onToken={() => setWithToken(true)} />
  );
}

interface Told {
  text: string;
  isBad: boolean;
}

const typedIn = (form: FormData, name: string) => String(form.get(name) ?? '').trim();
const told = (error: unknown): Told => ({
  text: error instanceof ApiError ? faultText(error) : String(error),
  isBad: true,
});

function PasswordForm({ email, target, onIn, onToken }: Required<LoginFormProps> & { onToken: () => void }) {
  const ways = useData('login ways', (signal) => ask(api.GET('/api/v1/login', { signal })));
  const [state, setState] = useState<Told | null>(null);
  const [codeNeeded, setCodeNeeded] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (codeNeeded) form.current?.querySelector<HTMLInputElement>('[name=code]')?.focus();
  }, [codeNeeded]);

  const logIn = async (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const code = typedIn(given, 'code');
    const body = {
      email: typedIn(given, 'email'),
      password: String(given.get('password')),
      ...(code && { code }),
    };
    setBusy(true);
    try {
      await ask(api.POST('/api/v1/login', { body }));
      dropAccessToken();
      onIn();
    } catch (error) {
      const needsCode =
        error instanceof ApiError && (error.body as { code_needed?: boolean } | null)?.code_needed === true;
      const isFirst = needsCode && !codeNeeded;
      if (needsCode) setCodeNeeded(true);
      setState(isFirst ? { text: t('login.codeNeeded'), isBad: false } : told(error));
    }
    setBusy(false);
  };

  const sendReset = async () => {
    const field = form.current?.querySelector<HTMLInputElement>('[name=email]');
    if (!field?.reportValidity()) return;
    try {
      await ask(api.POST('/api/v1/password-resets', { body: { email: field.value } }));
      setState({ text: t('login.resetSent'), isBad: false });
    } catch (error) {
      setState(told(error));
    }
  };

  return (
    <form class="stack login-form" ref={form} onSubmit={logIn}>
      <Field
        label={t('login.email')}
        name="email"
        type="email"
        autocomplete="username"
        required
        defaultValue={email}
      />
      <Field
        label={t('login.password')}
        name="password"
        type="password"
        autocomplete="current-password"
        required
      />
      {codeNeeded && (
        <Field
          label={t('login.code')}
          hint={t('login.codeHint')}
          name="code"
          autocomplete="one-time-code"
          minlength={6}
          required
        />
      )}
      <p role="status" class={state ? `banner rounded ${state.isBad ? 'bad' : 'info'}` : ''}>
        {state?.text}
      </p>
      <Button tone="primary" type="submit" disabled={isBusy}>
        {t('login.submit')}
      </Button>
      {ways.data?.provider && (
        <ButtonLink href={`/api/v1/login/provider?target=${encodeURIComponent(target)}`}>
          {ways.data.provider.label}
        </ButtonLink>
      )}
      <div class="row between wrap">
        {ways.data?.mail && (
          <Button quiet size="small" onClick={sendReset}>
            {t('login.forgot')}
          </Button>
        )}
        <Button quiet size="small" onClick={onToken}>
          {t('login.withToken')}
        </Button>
      </div>
    </form>
  );
}

function TokenForm({ onIn, onBack }: { onIn: () => void; onBack: () => void }) {
  const [fault, setFault] = useState<string | null>(null);
  const enter = async (event: SubmitEvent) => {
    event.preventDefault();
    keepAccessToken(typedIn(new FormData(event.currentTarget as HTMLFormElement), 'token'));
    try {
      const found = await ask(api.GET('/api/v1/access'));
      if (found.kind !== null && found.kind !== 'anonymous') {
        onIn();
        return;
      }
      dropAccessToken();
      setFault(t('login.tokenUnknown'));
    } catch (error) {
      dropAccessToken();
      setFault(told(error).text);
    }
  };
  return (
    <form class="stack login-form" onSubmit={enter}>
      <Field
        label={t('login.token')}
        hint={t('login.tokenHint')}
        fault={fault}
        name="token"
        type="password"
        autocomplete="off"
        required
      />
      <Button tone="primary" type="submit">
        {t('login.submit')}
      </Button>
      <Button quiet size="small" onClick={onBack}>
        {t('login.withPassword')}
      </Button>
    </form>
  );
}
