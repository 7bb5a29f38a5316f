import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { Certificate } from '../../api/types';
import { useData } from '../../api/useData';
import { toast, toastError } from '../../app/toasts';
import { Button } from '../../components/Button';
import { Confirm } from '../../components/Confirm';
import { type Column, DataList } from '../../components/DataList';
import { Ago, nowMs } from '../../components/Time';
import type { ListQuery } from '../../components/useListQuery';
import { t, word } from '../../i18n';
import { Day } from './Day';
import { CERTIFICATE_TONES, certificateState, newestOf, textOfCertificate } from './provisioning';

/** Certificates, and the way to put a box out. */
export function CertificateList({ query }: { query: ListQuery }) {
  const certificates = useData<readonly Certificate[]>('provisioning certificates', (signal) =>
    ask(api.GET('/api/v1/provisioning/certificates', { signal })),
  );
  const [going, setGoing] = useState<Certificate>();
  const revoke = async ({ name }: Certificate) => {
    setGoing(undefined);
    try {
      const path = { edge: name };
      await ask(api.POST('/api/v1/provisioning/certificates/{edge}/revocation', { params: { path } }));
      toast(t('provisioning.revoked', { name }), 'good');
    } catch (error) {
      toastError(error);
    }
    certificates.reload();
  };
  return (
    <>
      <DataList
        label={word('provisioningView', 'certificates')}
        of={certificates}
        query={query}
        columns={columns(newestOf(certificates.data ?? []), setGoing)}
        rowKey={({ serial }) => serial}
        filters={[
          {
            id: 'state',
            label: t('alerts.state'),
            options: Object.keys(CERTIFICATE_TONES).map((value) => ({
              value,
              label: word('certificateState', value),
            })),
          },
        ]}
        text={textOfCertificate}
        match={(each, { state }) => !state || certificateState(each, nowMs.value) === state}
        empty={{ title: t('provisioning.noCertificates'), hint: t('provisioning.noCertificatesHint') }}
      />
      {going && (
        <Confirm
          title={t('provisioning.revokeTitle')}
          text={t('provisioning.revokeHint', { name: going.name })}
          action={t('keys.revoke')}
          onConfirm={() => revoke(going)}
          onClose={() => setGoing(undefined)}
        />
      )}
    </>
  );
}

function columns(
  newest: ReadonlySet<string>,
  onRevoke: (certificate: Certificate) => void,
): Column<Certificate>[] {
  return [
    {
      id: 'name',
      head: t('provisioning.box'),
      phone: 'title',
      cell: ({ name, profile, site }) => (
        <>
          {profile === 'box' ? <a href={`/edges/${encodeURIComponent(name)}`}>{name}</a> : name}
          <span class="sub">{profile === 'box' ? site : word('certificateProfile', profile)}</span>
        </>
      ),
      sort: ({ name }) => name,
    },
    {
      id: 'state',
      head: t('alerts.state'),
      cell: (each) => {
        const state = certificateState(each, nowMs.value);
        return (
          <>
            <span class={`badge ${CERTIFICATE_TONES[state]}`}>{word('certificateState', state)}</span>
            {each.revoked_by && <span class="sub">{each.revoked_by}</span>}
          </>
        );
      },
      sort: (each) => certificateState(each, nowMs.value),
    },
    {
      id: 'ends',
      head: t('provisioning.ends'),
      cell: ({ ends }) => <Day at={ends} />,
      sort: ({ ends }) => Date.parse(ends),
    },
    {
      id: 'made',
      head: t('keys.made'),
      cell: ({ made, made_by }) => (
        <>
          <Ago at={made} />
          <span class="sub">{made_by}</span>
        </>
      ),
      sort: ({ made }) => Date.parse(made),
    },
    {
      id: 'serial',
      head: t('provisioning.serial'),
      phone: 'hidden',
      cell: ({ serial }) => <code class="small">{serial.slice(0, 12)}…</code>,
    },
    {
      id: 'do',
      head: t('alerts.actions'),
      isNumber: true,
      cell: (each) =>
        each.state === 'holds' &&
        newest.has(each.serial) && (
          <Button
            size="small"
            aria-label={t('provisioning.revokeOne', { name: each.name })}
            onClick={() => onRevoke(each)}
          >
            {t('keys.revoke')}
          </Button>
        ),
    },
  ];
}
