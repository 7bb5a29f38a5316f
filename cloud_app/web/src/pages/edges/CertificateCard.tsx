/** The certificate by which the broker knows a box: its facts, its past, and the way to revoke it. */

import { ShieldX } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { Certificate } from '../../api/types';
import { useData } from '../../api/useData';
import { may } from '../../app/session';
import { toast, toastError } from '../../app/toasts';
import { Button } from '../../components/Button';
import { Card } from '../../components/Card';
import { Confirm } from '../../components/Confirm';
import { Facts } from '../../components/Form';
import { Loaded, Notice } from '../../components/states';
import { At, nowMs } from '../../components/Time';
import { t, word } from '../../i18n';
import { count } from '../../i18n/format';
import { Day } from '../provisioning/Day';
import { CERTIFICATE_TONES, certificateState } from '../provisioning/provisioning';

export function CertificateCard({ edge, site }: { edge: string; site: string }) {
  const [asks, setAsks] = useState(false);
  const certificates = useData<readonly Certificate[]>(`certificates ${edge}`, (signal) =>
    ask(api.GET('/api/v1/provisioning/certificates', { params: { query: { edge } }, signal })),
  );
  const revoke = async () => {
    setAsks(false);
    try {
      const params = { path: { edge } };
      await ask(api.POST('/api/v1/provisioning/certificates/{edge}/revocation', { params }));
      toast(t('provisioning.revoked', { name: edge }), 'good');
    } catch (error) {
      toastError(error);
    }
    certificates.reload();
  };
  const holds = certificates.data?.some(({ state }) => state === 'holds');
  return (
    <Card
      title={t('deviceCertificate.title')}
      tools={
        holds &&
        may('provision') && (
          <Button size="small" icon={ShieldX} onClick={() => setAsks(true)}>
            {t('keys.revoke')}
          </Button>
        )
      }
    >
      <Loaded of={certificates}>
        {([newest, ...before]) =>
          newest ? (
            <CertificateFacts newest={newest} before={before} site={site} />
          ) : (
            <Notice title={t('deviceCertificate.none')}>
              <p>{t('deviceCertificate.noneHint')}</p>
            </Notice>
          )
        }
      </Loaded>
      {asks && (
        <Confirm
          title={t('provisioning.revokeTitle')}
          text={t('provisioning.revokeHint', { name: edge })}
          action={t('keys.revoke')}
          onConfirm={revoke}
          onClose={() => setAsks(false)}
        />
      )}
    </Card>
  );
}

interface FactsProps {
  newest: Certificate;
  before: readonly Certificate[];
  site: string;
}

function CertificateFacts({ newest, before, site }: FactsProps) {
  const { serial, made, made_by, ends, revoked, revoked_by } = newest;
  const state = certificateState(newest, nowMs.value);
  const first = before.at(-1);
  return (
    <Facts
      facts={[
        [
          t('alerts.state'),
          <span key="state" class={`badge ${CERTIFICATE_TONES[state]}`}>
            {word('certificateState', state)}
          </span>,
        ],
        [
          t('provisioning.serial'),
          <code key="serial" class="small certificate-serial">
            {serial}
          </code>,
        ],
        [
          t(first ? 'deviceCertificate.renewed' : 'deviceCertificate.issued'),
          <span key="made">
            <At at={made} site={site} /> <span class="soft">{made_by}</span>
          </span>,
        ],
        [
          t('deviceCertificate.firstIssued'),
          first && (
            <span key="first">
              <At at={first.made} site={site} /> <span class="soft">{first.made_by}</span>
            </span>
          ),
        ],
        [t('deviceCertificate.earlier'), before.length > 0 && count(before.length)],
        [t('provisioning.ends'), <Day key="ends" at={ends} />],
        [
          t('deviceCertificate.revoked'),
          revoked && (
            <span key="revoked">
              <At at={revoked} site={site} /> <span class="soft">{revoked_by}</span>
            </span>
          ),
        ],
      ]}
    />
  );
}
