/** Over the page when the session is over, so that nothing that was typed is lost. */

import { sessionEnded } from '../api/client';
import { Dialog } from '../components/Dialog';
import { t } from '../i18n';
import { LoginForm } from '../pages/login/LoginForm';
import { access, isIn, refreshAccess } from './session';
import { toastError } from './toasts';

export function SessionEnded() {
  // At the login nobody is in yet, and a 401 there is no end of anything.
  if (!sessionEnded.value || !isIn.value) return null;
  const stay = () => undefined;
  return (
    <Dialog title={t('session.ended')} onClose={stay}>
      <div class="stack">
        <p class="soft">{t('session.endedHint')}</p>
        <LoginForm
          email={access.value?.session?.email ?? ''}
          target={location.pathname + location.search}
          onIn={() => refreshAccess().catch(toastError)}
        />
      </div>
    </Dialog>
  );
}
