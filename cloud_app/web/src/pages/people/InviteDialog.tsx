import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { RoleAt } from '../../api/types';
import { toast } from '../../app/toasts';
import { Button } from '../../components/Button';
import { Dialog } from '../../components/Dialog';
import { Field, typed } from '../../components/Field';
import { Secret } from '../../components/Secret';
import { Fault, faultText } from '../../components/states';
import { t } from '../../i18n';
import { RoleFields } from './RoleFields';

/** Invite somebody, or give roles to somebody who has an account. */
export function InviteDialog({ onDone }: { onDone: () => void }) {
  const [email, setEmail] = useState('');
  const [name, setName] = useState('');
  const [roles, setRoles] = useState<RoleAt[]>([]);
  const [fault, setFault] = useState<string>();
  const [link, setLink] = useState<string>();
  const invite = async (event: Event) => {
    event.preventDefault();
    try {
      const made = await ask(
        api.POST('/api/v1/people', { body: { email: email.trim(), name: name.trim(), roles } }),
      );
      if (made.link) setLink(made.link);
      else {
        toast(t(made.person.ready ? 'people.rolesGiven' : 'people.invited', { email }), 'good');
        onDone();
      }
    } catch (error) {
      setFault(faultText(error));
    }
  };
  if (link) return <LinkDialog link={link} onDone={onDone} />;
  return (
    <Dialog title={t('people.invite')} onClose={onDone}>
      <form class="form" onSubmit={invite}>
        <Field
          label={t('login.email')}
          type="email"
          required
          value={email}
          onInput={(event: Event) => setEmail(typed(event))}
        />
        <Field
          label={t('settings.name')}
          required
          maxLength={120}
          value={name}
          onInput={(event: Event) => setName(typed(event))}
        />
        <RoleFields roles={roles} onChange={setRoles} />
        <Fault text={fault} />
        <footer>
          <Button onClick={onDone}>{t('action.cancel')}</Button>
          <Button type="submit" tone="primary" disabled={!roles.length}>
            {t('people.sendInvitation')}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}

/** Where no mail can be sent, the link is handed over. */
export function LinkDialog({ link, onDone }: { link: string; onDone: () => void }) {
  return (
    <Dialog title={t('people.link')} onClose={onDone}>
      <div class="form">
        <p>{t('people.linkHint')}</p>
        <Secret text={link} label={t('people.link')} />
        <footer>
          <Button tone="primary" onClick={onDone}>
            {t('action.close')}
          </Button>
        </footer>
      </div>
    </Dialog>
  );
}
