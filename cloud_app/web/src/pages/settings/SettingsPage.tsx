/** What somebody sets for themselves: password, second factor, sessions, language, theme. */

import { LogOut, Monitor, Smartphone } from 'lucide-preact';
import { api, ask } from '../../api/client';
import type { SessionView } from '../../api/types';
import { useData } from '../../api/useData';
import { Preferences } from '../../app/AccountMenu';
import { access, may } from '../../app/session';
import { toast, toastError } from '../../app/toasts';
import { Button } from '../../components/Button';
import { Card } from '../../components/Card';
import { Facts } from '../../components/Form';
import { Page } from '../../components/Page';
import { Loaded } from '../../components/states';
import { Ago } from '../../components/Time';
import { t, word } from '../../i18n';
import { PasswordCard } from './PasswordCard';
import { deviceName } from './settings';
import { TotpCard } from './TotpCard';
import './settings.css';

export function SettingsPage() {
  const who = access.value;
  const session = who?.session;
  return (
    <Page title={t('nav.settings')}>
      <div class="columns even settings">
        <div class="stack">
          <Card title={t('settings.account')}>
            <Facts
              facts={[
                [t('settings.name'), session?.name ?? who?.name],
                [t('login.email'), session?.email],
                [
                  t('people.roles'),
                  session && session.roles.length > 0 && (
                    <ul key="roles">
                      {session.roles.map(({ tenant, role }) => (
                        <li key={`${tenant} ${role}`}>
                          {word('role', role)} · {tenant}
                        </li>
                      ))}
                    </ul>
                  ),
                ],
              ]}
            />
            {!session && <p class="soft small">{t('settings.noPerson')}</p>}
          </Card>
          <Card title={t('settings.look')}>
            <Preferences />
          </Card>
          {may('notifications') && (
            <Card title={t('nav.notifications')}>
              <p>
                <a href="/notifications">{t('settings.toNotifications')}</a>
              </p>
            </Card>
          )}
        </div>
        {session && (
          <div class="stack">
            {session.method === 'password' && <PasswordCard email={session.email} />}
            {session.method === 'password' && <TotpCard hasTotp={session.totp} />}
            <Sessions />
          </div>
        )}
      </div>
    </Page>
  );
}

function Sessions() {
  const sessions = useData<readonly SessionView[]>('sessions', (signal) =>
    ask(api.GET('/api/v1/sessions', { signal })),
  );
  const after = async (doing: Promise<unknown>) => {
    try {
      await doing;
      toast(t('settings.ended'), 'good');
      sessions.reload();
    } catch (error) {
      toastError(error);
    }
  };
  return (
    <Card
      title={t('settings.sessions')}
      flush
      tools={
        (sessions.data?.length ?? 0) > 1 && (
          <Button size="small" onClick={() => after(ask(api.DELETE('/api/v1/sessions')))}>
            {t('settings.endOthers')}
          </Button>
        )
      }
    >
      <Loaded of={sessions}>
        {(found) => (
          <ul class="session-list">
            {found.map((each) => {
              const Icon = /Mobi|Android|iPhone/.test(each.agent) ? Smartphone : Monitor;
              const path = { session_id: each.session };
              return (
                <li key={each.session}>
                  <Icon size={18} aria-hidden="true" />
                  <span class="grow">
                    <span class="strong">{deviceName(each.agent)}</span>{' '}
                    {each.current && <span class="badge info">{t('settings.thisOne')}</span>}
                    <br />
                    <span class="soft small">
                      {each.address} · <Ago at={each.seen} />
                    </span>
                  </span>
                  {!each.current && (
                    <Button
                      size="small"
                      icon={LogOut}
                      onClick={() =>
                        after(ask(api.DELETE('/api/v1/sessions/{session_id}', { params: { path } })))
                      }
                    >
                      {t('settings.end')}
                    </Button>
                  )}
                </li>
              );
            })}
          </ul>
        )}
      </Loaded>
    </Card>
  );
}
