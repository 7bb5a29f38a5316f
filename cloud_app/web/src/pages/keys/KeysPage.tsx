/** API keys: made, seen once, revoked. */

import { KeyRound } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { api, ask, fileUrl } from '../../api/client';
import type { Key } from '../../api/types';
import { useData } from '../../api/useData';
import { toast, toastError } from '../../app/toasts';
import { Button } from '../../components/Button';
import { Confirm } from '../../components/Confirm';
import { type Column, DataList } from '../../components/DataList';
import { Page } from '../../components/Page';
import { Ago, At, nowMs } from '../../components/Time';
import { useListQuery } from '../../components/useListQuery';
import { t, word } from '../../i18n';
import { KeyDialog } from './KeyDialog';
import { keyState } from './keys';

const TONES = { works: 'good', expired: 'warn', revoked: '' } as const;

export function KeysPage() {
  const query = useListQuery(['state']);
  const keys = useData<readonly Key[]>('keys', (signal) => ask(api.GET('/api/v1/keys', { signal })));
  const [isMaking, setMaking] = useState(false);
  const [going, setGoing] = useState<Key>();
  const revoke = async (key: Key) => {
    setGoing(undefined);
    try {
      await ask(api.DELETE('/api/v1/keys/{key}', { params: { path: { key: key.key } } }));
      toast(t('keys.revoked', { name: key.name }), 'good');
      keys.reload();
    } catch (error) {
      toastError(error);
    }
  };
  return (
    <Page
      title={t('nav.keys')}
      tools={
        <Button tone="primary" icon={KeyRound} onClick={() => setMaking(true)}>
          {t('keys.make')}
        </Button>
      }
    >
      <DataList
        label={t('nav.keys')}
        of={keys}
        query={query}
        columns={columns(setGoing)}
        rowKey={({ key }) => key}
        filters={[
          {
            id: 'state',
            label: t('alerts.state'),
            options: Object.keys(TONES).map((value) => ({ value, label: word('keyState', value) })),
          },
        ]}
        text={({ name, tenant, prefix, created_by }) => `${name} ${tenant} ${prefix} ${created_by}`}
        match={(key, { state }) => !state || keyState(key, nowMs.value) === state}
        exportUrl={() => fileUrl('/api/v1/keys', { format: 'csv' })}
        empty={{ title: t('keys.none'), hint: t('keys.noneHint') }}
      />
      {isMaking && (
        <KeyDialog
          onDone={() => {
            setMaking(false);
            keys.reload();
          }}
        />
      )}
      {going && (
        <Confirm
          title={t('keys.revokeTitle')}
          text={t('keys.revokeHint', { name: going.name })}
          action={t('keys.revoke')}
          onConfirm={() => revoke(going)}
          onClose={() => setGoing(undefined)}
        />
      )}
    </Page>
  );
}

function columns(onRevoke: (key: Key) => void): Column<Key>[] {
  return [
    {
      id: 'name',
      head: t('settings.name'),
      phone: 'title',
      cell: ({ name, prefix }) => (
        <>
          {name}
          <code class="sub">{prefix}…</code>
        </>
      ),
      sort: ({ name }) => name,
    },
    { id: 'tenant', head: t('keys.tenant'), cell: ({ tenant }) => tenant, sort: ({ tenant }) => tenant },
    {
      id: 'scopes',
      head: t('keys.scopes'),
      cell: ({ scopes, sites }) => (
        <>
          {scopes.map((scope) => word('scope', scope)).join(', ')}
          <span class="sub">{sites ? sites.join(', ') : t('keys.allSites')}</span>
        </>
      ),
    },
    {
      id: 'state',
      head: t('alerts.state'),
      cell: (key) => {
        const state = keyState(key, nowMs.value);
        return <span class={`badge ${TONES[state]}`}>{word('keyState', state)}</span>;
      },
      sort: (key) => keyState(key, nowMs.value),
    },
    {
      id: 'used',
      head: t('keys.used'),
      cell: ({ used }) => (used ? <Ago at={used} /> : <span class="soft">{t('keys.never')}</span>),
      sort: ({ used }) => used && Date.parse(used),
    },
    {
      id: 'expires',
      head: t('keys.expires'),
      cell: ({ expires }) => (expires ? <At at={expires} /> : <span class="soft">{t('keys.noEnd')}</span>),
      sort: ({ expires }) => expires && Date.parse(expires),
    },
    {
      id: 'made',
      head: t('keys.made'),
      phone: 'hidden',
      cell: ({ created, created_by }) => (
        <>
          <Ago at={created} />
          <span class="sub">{created_by}</span>
        </>
      ),
      sort: ({ created }) => Date.parse(created),
    },
    {
      id: 'do',
      head: t('alerts.actions'),
      isNumber: true,
      cell: (key) =>
        key.revoked ? null : (
          <Button
            size="small"
            aria-label={t('keys.revokeOne', { name: key.name })}
            onClick={() => onRevoke(key)}
          >
            {t('keys.revoke')}
          </Button>
        ),
    },
  ];
}
