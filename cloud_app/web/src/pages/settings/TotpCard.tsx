/** The second factor: set up with a secret, confirmed by a code, switched off by the password. */

import { ShieldCheck, ShieldOff } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { ApiError, api, ask } from '../../api/client';
import type { TotpSecret } from '../../api/types';
import { refreshAccess } from '../../app/session';
import { toast } from '../../app/toasts';
import { Button, ButtonLink } from '../../components/Button';
import { Card } from '../../components/Card';
import { Dialog } from '../../components/Dialog';
import { Field, typed } from '../../components/Field';
import { QrCode } from '../../components/QrCode';
import { Secret } from '../../components/Secret';
import { faultText } from '../../components/states';
import { t } from '../../i18n';
import { inGroups } from './settings';

export function TotpCard({ hasTotp }: { hasTotp: boolean }) {
  const [open, setOpen] = useState<'on' | 'off' | null>(null);
  const close = () => setOpen(null);
  return (
    <Card title={t('totp.title')}>
      <div class="row wrap between">
        <span class="row">
          {hasTotp ? (
            <ShieldCheck size={18} aria-hidden="true" />
          ) : (
            <ShieldOff size={18} aria-hidden="true" />
          )}
          {t(hasTotp ? 'totp.isOn' : 'totp.isOff')}
        </span>
        <Button onClick={() => setOpen(hasTotp ? 'off' : 'on')}>
          {t(hasTotp ? 'totp.switchOff' : 'totp.setUp')}
        </Button>
      </div>
      {open === 'on' && <SetUp onClose={close} />}
      {open === 'off' && <SwitchOff onClose={close} />}
    </Card>
  );
}

/** Do something that may be refused, and tell why. */
function useTry(): [string | null, (doing: () => Promise<void>) => Promise<void>] {
  const [fault, setFault] = useState<string | null>(null);
  return [
    fault,
    async (doing) => {
      try {
        await doing();
        setFault(null);
      } catch (error) {
        setFault(error instanceof ApiError ? faultText(error) : String(error));
      }
    },
  ];
}

function SetUp({ onClose }: { onClose: () => void }) {
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [secret, setSecret] = useState<TotpSecret>();
  const [codes, setCodes] = useState<readonly string[]>();
  const [fault, attempt] = useTry();
  const begin = () =>
    attempt(async () => setSecret(await ask(api.POST('/api/v1/me/totp', { body: { password } }))));
  const confirm = () =>
    attempt(async () => {
      const made = await ask(api.PUT('/api/v1/me/totp', { body: { code: code.replaceAll(' ', '') } }));
      setCodes(made.codes);
      await refreshAccess();
    });
  if (codes) {
    return (
      <Dialog title={t('totp.recovery')} onClose={onClose}>
        <div class="form">
          <p>{t('totp.recoveryHint')}</p>
          <Secret text={codes.join('\n')} label={t('totp.recovery')} />
          <footer>
            <Button tone="primary" onClick={onClose}>
              {t('totp.kept')}
            </Button>
          </footer>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={t('totp.setUp')} onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void (secret ? confirm() : begin());
        }}
      >
        {secret ? (
          <>
            <p>{t('totp.addHint')}</p>
            <QrCode text={secret.uri} label={t('totp.qr')} />
            <Secret text={inGroups(secret.secret)} label={t('totp.secret')} />
            <div>
              <ButtonLink href={secret.uri} size="small">
                {t('totp.openApp')}
              </ButtonLink>
            </div>
            <Field
              label={t('totp.code')}
              inputmode="numeric"
              autocomplete="one-time-code"
              required
              value={code}
              fault={fault}
              onInput={(event: Event) => setCode(typed(event))}
            />
          </>
        ) : (
          <Field
            label={t('settings.oldPassword')}
            hint={t('totp.passwordHint')}
            type="password"
            autocomplete="current-password"
            required
            value={password}
            fault={fault}
            onInput={(event: Event) => setPassword(typed(event))}
          />
        )}
        <footer>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button type="submit" tone="primary">
            {t(secret ? 'totp.switchOn' : 'totp.next')}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}

function SwitchOff({ onClose }: { onClose: () => void }) {
  const [password, setPassword] = useState('');
  const [fault, attempt] = useTry();
  const off = (event: Event) => {
    event.preventDefault();
    return attempt(async () => {
      await ask(api.POST('/api/v1/me/totp/removal', { body: { password } }));
      await refreshAccess();
      toast(t('totp.isOff'), 'good');
      onClose();
    });
  };
  return (
    <Dialog title={t('totp.switchOff')} onClose={onClose}>
      <form class="form" onSubmit={off}>
        <p class="soft">{t('totp.offHint')}</p>
        <Field
          label={t('settings.oldPassword')}
          type="password"
          autocomplete="current-password"
          required
          value={password}
          fault={fault}
          onInput={(event: Event) => setPassword(typed(event))}
        />
        <footer>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button type="submit" tone="danger">
            {t('totp.switchOff')}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
