/** One person: name, roles, whether they may come in, and where they are logged in. */

import { LogOut, Mail } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { ApiError, api, ask } from '../../api/client';
import type { Person } from '../../api/types';
import { toast, toastError } from '../../app/toasts';
import { Button } from '../../components/Button';
import { Conflict } from '../../components/Conflict';
import { Dialog } from '../../components/Dialog';
import { Field } from '../../components/Field';
import { Check } from '../../components/Form';
import { faultText } from '../../components/states';
import { t } from '../../i18n';
import { LinkDialog } from './InviteDialog';
import { differences, type PersonDraft, rolesText } from './people';
import { RoleFields } from './RoleFields';

interface Props {
  person: Person;
  onDone: () => void;
}

const draftOf = ({ name, disabled, roles }: Person): PersonDraft => ({ name, disabled, roles });

export function PersonDialog({ person, onDone }: Props) {
  // What the form began with, and what is so at the service: another's change makes it differ.
  const [base, setBase] = useState(person);
  const [draft, setDraft] = useState(draftOf(person));
  const [isStale, setStale] = useState(false);
  const [fault, setFault] = useState<string>();
  const set = (change: Partial<PersonDraft>) => setDraft({ ...draft, ...change });

  const save = async (event: Event) => {
    event.preventDefault();
    const path = { account: person.account };
    let now = base;
    const header = () => ({ 'if-match': `"${now.version}"` });
    try {
      if (rolesText(draft.roles) !== rolesText(now.roles)) {
        now = await ask(
          api.PUT('/api/v1/people/{account}/roles', {
            params: { path, header: header() },
            body: { roles: draft.roles },
          }),
        );
      }
      const change = {
        ...(draft.name.trim() !== now.name && { name: draft.name.trim() }),
        ...(draft.disabled !== now.disabled && { disabled: draft.disabled }),
      };
      if (Object.keys(change).length) {
        now = await ask(
          api.PATCH('/api/v1/people/{account}', { params: { path, header: header() }, body: change }),
        );
      }
      toast(t('saved'), 'good');
      onDone();
    } catch (error) {
      if (error instanceof ApiError && error.status === 412) {
        setBase((error.body as { person: Person }).person);
        setStale(true);
      } else {
        setBase(now);
        setFault(error instanceof ApiError ? faultText(error) : String(error));
      }
    }
  };

  return (
    <Dialog title={person.name} onClose={onDone}>
      <form class="form" onSubmit={save}>
        {isStale && (
          <Conflict
            differences={differences(draft, draftOf(base))}
            onTake={() => {
              setDraft(draftOf(base));
              setStale(false);
            }}
          />
        )}
        <p class="soft">{person.email}</p>
        {person.governed ? (
          <Field
            label={t('settings.name')}
            required
            maxLength={120}
            value={draft.name}
            onInput={(event: Event) => set({ name: (event.currentTarget as HTMLInputElement).value })}
          />
        ) : (
          <p class="banner rounded info">{t('people.elsewhere')}</p>
        )}
        <RoleFields roles={draft.roles} onChange={(roles) => set({ roles })} />
        {person.governed && (
          <Check
            label={t('people.disabled')}
            hint={t('people.disabledHint')}
            checked={draft.disabled}
            onChange={(disabled) => set({ disabled })}
          />
        )}
        {fault && (
          <p class="banner rounded bad" role="alert">
            {fault}
          </p>
        )}
        <footer>
          {person.governed && <More person={person} />}
          <Button type="submit" tone="primary">
            {t('action.save')}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}

/** What is done at once, without the form. */
function More({ person }: { person: Person }) {
  const [link, setLink] = useState<string>();
  const params = { path: { account: person.account } };
  const invite = async () => {
    try {
      const made = await ask(api.POST('/api/v1/people/{account}/invitation', { params }));
      if (made.link) setLink(made.link);
      else toast(t('people.invited', { email: person.email }), 'good');
    } catch (error) {
      toastError(error);
    }
  };
  const logOut = async () => {
    try {
      await ask(api.DELETE('/api/v1/people/{account}/sessions', { params }));
      toast(t('people.loggedOut', { name: person.name }), 'good');
    } catch (error) {
      toastError(error);
    }
  };
  return (
    <>
      {!person.ready && !person.disabled && (
        <Button icon={Mail} onClick={invite}>
          {t('people.inviteAgain')}
        </Button>
      )}
      {person.ready && (
        <Button icon={LogOut} onClick={logOut}>
          {t('people.logOut')}
        </Button>
      )}
      {link && <LinkDialog link={link} onDone={() => setLink(undefined)} />}
    </>
  );
}
