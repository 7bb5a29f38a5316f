/** Boxes let in and put out: those that wait, one-time codes, certificates. */

import { Ticket } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { Provisioning } from '../../api/types';
import { useData } from '../../api/useData';
import { Button } from '../../components/Button';
import { Card } from '../../components/Card';
import { Segments } from '../../components/Field';
import { Page } from '../../components/Page';
import { Secret } from '../../components/Secret';
import { Loaded } from '../../components/states';

import { useListQuery } from '../../components/useListQuery';
import { t, word } from '../../i18n';
import { CertificateList } from './CertificateList';
import { CodeDialog } from './CodeDialog';
import { CodeList } from './CodeList';
import { Day } from './Day';
import { VIEWS, viewOf } from './provisioning';
import { WaitingList } from './WaitingList';
import './provisioning.css';

export function ProvisioningPage() {
  const query = useListQuery(['view', 'state']);
  const about = useData<Provisioning>('provisioning', (signal) =>
    ask(api.GET('/api/v1/provisioning', { signal })),
  );
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState(0);
  const view = viewOf(query.values.view);
  return (
    <Page
      title={t('nav.provisioning')}
      tools={
        <Button tone="primary" icon={Ticket} onClick={() => setMaking(true)}>
          {t('provisioning.makeCode')}
        </Button>
      }
    >
      <Segments
        label={t('provisioning.views')}
        value={view}
        options={VIEWS.map((value) => ({ value, label: word('provisioningView', value) }))}
        onChange={(value) => query.set({ view: value, state: '', q: '' })}
      />
      {view === 'boxes' && <WaitingList query={query} />}
      {view === 'codes' && <CodeList query={query} key={made} />}
      {view === 'certificates' && <CertificateList query={query} />}
      <Loaded of={about}>{(found) => <About found={found} />}</Loaded>
      {isMaking && (
        <CodeDialog
          hours={about.data?.code_hours ?? 72}
          onDone={() => {
            setMaking(false);
            setMade(made + 1);
          }}
        />
      )}
    </Page>
  );
}

function About({ found }: { found: Provisioning }) {
  if (!found.authorities.length) {
    return (
      <p class="banner rounded warn" role="status">
        {t('provisioning.noAuthority')} <code>lotsight-cloud ca init</code>
      </p>
    );
  }
  return (
    <Card title={t('provisioning.authority')}>
      <p class="soft">{t('provisioning.withoutCode')}</p>
      <Secret text={found.command} label={t('provisioning.command')} />
      <dl class="authorities">
        {found.authorities.map(({ kind, fingerprint, ends }) => (
          <div key={fingerprint}>
            <dt>{word('authorityKind', kind)}</dt>
            <dd>
              <code>{fingerprint}</code>
              <span class="soft small">
                {t('provisioning.ends')} <Day at={ends} />
              </span>
            </dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}
