import { api, ask } from '../../api/client';
import type { ClaimCode } from '../../api/types';
import { useData } from '../../api/useData';
import { toast, toastError } from '../../app/toasts';
import { Button } from '../../components/Button';
import { type Column, DataList } from '../../components/DataList';
import { Ago, At } from '../../components/Time';
import type { ListQuery } from '../../components/useListQuery';
import { t, word } from '../../i18n';
import { CODE_TONES, textOfCode } from './provisioning';

/** One-time codes and what became of them. */
export function CodeList({ query }: { query: ListQuery }) {
  const codes = useData<readonly ClaimCode[]>('provisioning codes', (signal) =>
    ask(api.GET('/api/v1/provisioning/codes', { signal })),
  );
  const revoke = async ({ id }: ClaimCode) => {
    try {
      const path = { code_id: id };
      await ask(api.DELETE('/api/v1/provisioning/codes/{code_id}', { params: { path } }));
      toast(t('provisioning.codeRevoked'), 'good');
    } catch (error) {
      toastError(error);
    }
    codes.reload();
  };
  return (
    <DataList
      label={word('provisioningView', 'codes')}
      of={codes}
      query={query}
      columns={columns(revoke)}
      rowKey={({ id }) => id}
      filters={[
        {
          id: 'state',
          label: t('alerts.state'),
          options: Object.keys(CODE_TONES).map((value) => ({ value, label: word('codeState', value) })),
        },
      ]}
      text={textOfCode}
      match={(code, { state }) => !state || code.state === state}
      empty={{ title: t('provisioning.noCodes'), hint: t('provisioning.noCodesHint') }}
    />
  );
}

function columns(onRevoke: (code: ClaimCode) => void): Column<ClaimCode>[] {
  return [
    {
      id: 'site',
      head: t('provisioning.site'),
      phone: 'title',
      cell: ({ site, id }) => (
        <>
          {site}
          <code class="sub">{id}</code>
        </>
      ),
      sort: ({ site }) => site,
    },
    {
      id: 'box',
      head: t('provisioning.box'),
      cell: ({ box, edge }) => box ?? edge ?? <span class="soft">{t('provisioning.anyName')}</span>,
      sort: ({ box, edge }) => box ?? edge ?? '',
    },
    {
      id: 'state',
      head: t('alerts.state'),
      cell: ({ state, used }) => (
        <>
          <span class={`badge ${CODE_TONES[state]}`}>{word('codeState', state)}</span>
          {used && (
            <span class="sub">
              <Ago at={used} />
            </span>
          )}
        </>
      ),
      sort: ({ state }) => state,
    },
    {
      id: 'ends',
      head: t('provisioning.ends'),
      cell: ({ ends }) => <At at={ends} />,
      sort: ({ ends }) => Date.parse(ends),
    },
    {
      id: 'made',
      head: t('keys.made'),
      phone: 'hidden',
      cell: ({ made, made_by }) => (
        <>
          <Ago at={made} />
          <span class="sub">{made_by}</span>
        </>
      ),
      sort: ({ made }) => Date.parse(made),
    },
    {
      id: 'do',
      head: t('alerts.actions'),
      isNumber: true,
      cell: (code) =>
        code.state === 'open' && (
          <Button
            size="small"
            aria-label={t('provisioning.revokeCode', { id: code.id })}
            onClick={() => onRevoke(code)}
          >
            {t('keys.revoke')}
          </Button>
        ),
    },
  ];
}
