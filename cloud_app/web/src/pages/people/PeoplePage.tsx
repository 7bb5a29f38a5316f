/** People with an account at one's councils and operators. */

import { ShieldCheck, UserPlus } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { api, ask, fileUrl } from '../../api/client';
import type { Person } from '../../api/types';
import { useData } from '../../api/useData';
import { Button } from '../../components/Button';
import { type Column, DataList } from '../../components/DataList';
import { Page } from '../../components/Page';
import { useListQuery, withQuery } from '../../components/useListQuery';
import { t, word } from '../../i18n';
import { InviteDialog } from './InviteDialog';
import { PersonDialog } from './PersonDialog';
import { rolesText, stateOf } from './people';
import './people.css';

const TONES = { active: 'good', invited: 'info', disabled: '' } as const;

export function PeoplePage() {
  const query = useListQuery(['state', 'tenant', 'role', 'person']);
  const { person: chosen, ...values } = query.values;
  const people = useData<readonly Person[]>('people', (signal) => ask(api.GET('/api/v1/people', { signal })));
  const [isInviting, setInviting] = useState(false);
  const open = people.data?.find(({ account }) => account === chosen);
  const tenants = [...new Set(people.data?.flatMap(({ roles }) => roles.map(({ tenant }) => tenant)))].sort();
  const close = () => {
    setInviting(false);
    query.set({ person: '' });
    people.reload();
  };
  return (
    <Page
      title={t('nav.people')}
      tools={
        <Button tone="primary" icon={UserPlus} onClick={() => setInviting(true)}>
          {t('people.invite')}
        </Button>
      }
    >
      <DataList
        label={t('nav.people')}
        of={people}
        query={{ ...query, values }}
        columns={columns()}
        rowKey={({ account }) => account}
        href={({ account }) => withQuery('/people', query.values, { person: account })}
        filters={[
          {
            id: 'state',
            label: t('alerts.state'),
            options: Object.keys(TONES).map((value) => ({ value, label: word('personState', value) })),
          },
          {
            id: 'role',
            label: t('people.role'),
            options: ['viewer', 'technician', 'operator admin', 'council'].map((value) => ({
              value,
              label: word('role', value),
            })),
          },
          {
            id: 'tenant',
            label: t('keys.tenant'),
            options: tenants.map((value) => ({ value, label: value })),
          },
        ]}
        text={({ name, email }) => `${name} ${email}`}
        match={(person, { state, tenant, role }) =>
          (!state || stateOf(person) === state) &&
          ((!tenant && !role) ||
            person.roles.some((each) => (!tenant || each.tenant === tenant) && (!role || each.role === role)))
        }
        exportUrl={() => fileUrl('/api/v1/people', { format: 'csv' })}
        empty={{ title: t('people.none') }}
      />
      {isInviting && <InviteDialog onDone={close} />}
      {open && <PersonDialog key={open.account} person={open} onDone={close} />}
    </Page>
  );
}

function columns(): Column<Person>[] {
  return [
    {
      id: 'name',
      head: t('settings.name'),
      phone: 'title',
      cell: ({ name, email }) => (
        <>
          {name}
          <span class="sub">{email}</span>
        </>
      ),
      sort: ({ name }) => name,
    },
    {
      id: 'roles',
      head: t('people.roles'),
      cell: ({ roles }) => (
        <ul>
          {roles.map(({ tenant, role }) => (
            <li key={`${tenant} ${role}`}>
              {word('role', role)} <span class="soft">· {tenant}</span>
            </li>
          ))}
        </ul>
      ),
      sort: ({ roles }) => rolesText(roles),
    },
    {
      id: 'state',
      head: t('alerts.state'),
      cell: (person) => (
        <span class={`badge ${TONES[stateOf(person)]}`}>{word('personState', stateOf(person))}</span>
      ),
      sort: (person) => Object.keys(TONES).indexOf(stateOf(person)),
    },
    {
      id: 'totp',
      head: t('totp.title'),
      cell: ({ totp }) =>
        totp ? (
          <span class="row">
            <ShieldCheck size={15} aria-hidden="true" /> {t('yes')}
          </span>
        ) : (
          <span class="soft">{t('no')}</span>
        ),
      sort: ({ totp }) => Number(totp),
    },
  ];
}
