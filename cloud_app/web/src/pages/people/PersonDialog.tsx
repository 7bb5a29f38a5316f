/** One person: name, roles, whether they may come in, and where they are logged in. */

import { LogOut, Mail } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { Person } from '../../api/types';
import { toast, toastError } from '../../app/toasts';
import { Button } from '../../components/Button';
import { EditDialog, ifMatch, useEditing } from '../../components/editing';
import { Field, typed } from '../../components/Field';
import { Check } from '../../components/Form';
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
  const editing = useEditing<Person, PersonDraft>({
    thing: person,
    name: 'person',
    draftOf: (of = person) => draftOf(of),
    differences,
    save: (draft, now = person, keep) => save(draft, now, keep),
    onDone,
  });
  const { draft, set } = editing;
  return (
    <EditDialog title={person.name} of={editing} actions={person.governed && <More person={person} />}>
      <p class="soft">{person.email}</p>
      {person.governed ? (
        <Field
          label={t('settings.name')}
          required
          maxLength={120}
          value={draft.name}
          onInput={(event: Event) => set({ name: typed(event) })}
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
    </EditDialog>
  );
}

/** Roles and facts have routes of their own. */
async function save(draft: PersonDraft, person: Person, keep: (now: Person) => void): Promise<void> {
  const path = { account: person.account };
  let now = person;
  if (rolesText(draft.roles) !== rolesText(now.roles)) {
    now = await ask(
      api.PUT('/api/v1/people/{account}/roles', {
        params: { path, header: ifMatch(now) },
        body: { roles: draft.roles },
      }),
    );
    keep(now);
  }
  const change = {
    ...(draft.name.trim() !== now.name && { name: draft.name.trim() }),
    ...(draft.disabled !== now.disabled && { disabled: draft.disabled }),
  };
  if (Object.keys(change).length) {
    await ask(
      api.PATCH('/api/v1/people/{account}', { params: { path, header: ifMatch(now) }, body: change }),
    );
  }
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
