/** Roll-outs to many boxes: how far each is, and a new one. */

import { Plus } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { api, ask } from '../../api/client';
import type { Campaign } from '../../api/types';
import { useData } from '../../api/useData';
import { may } from '../../app/session';
import { Button } from '../../components/Button';
import { type Column, DataList } from '../../components/DataList';
import { Page } from '../../components/Page';
import { Ago } from '../../components/Time';
import { useListQuery } from '../../components/useListQuery';
import { t, word } from '../../i18n';
import { CampaignDialog } from './CampaignDialog';
import { campaignTone } from './campaigns';
import { Progress } from './Progress';

const EVERY_S = 10;

export function CampaignsPage() {
  const query = useListQuery([]);
  const location = useLocation();
  const campaigns = useData<readonly Campaign[]>(
    'campaigns',
    (signal) => ask(api.GET('/api/v1/campaigns', { signal })),
    { everyS: EVERY_S },
  );
  const [isNew, setNew] = useState(false);
  return (
    <Page
      title={t('nav.campaigns')}
      tools={
        may('operate') && (
          <Button tone="primary" icon={Plus} onClick={() => setNew(true)}>
            {t('campaigns.new')}
          </Button>
        )
      }
    >
      <DataList
        label={t('nav.campaigns')}
        of={campaigns}
        query={query}
        columns={columns()}
        rowKey={({ id }) => id}
        href={({ id }) => `/campaigns/${id}`}
        text={({ name, to_version, kind }) => `${name} ${to_version} ${kind}`}
        empty={{ title: t('campaigns.none'), hint: t('campaigns.noneHint') }}
      />
      {isNew && (
        <CampaignDialog
          onClose={() => setNew(false)}
          onMade={({ id }) => location.route(`/campaigns/${id}`)}
        />
      )}
    </Page>
  );
}

function columns(): Column<Campaign>[] {
  return [
    {
      id: 'name',
      head: t('settings.name'),
      phone: 'title',
      cell: ({ name, kind, to_version }) => (
        <>
          {name}
          <span class="sub">
            {word('jobKind', kind)} {to_version}
          </span>
        </>
      ),
      sort: ({ name }) => name,
    },
    {
      id: 'state',
      head: t('alerts.state'),
      cell: ({ state, reason }) => (
        <>
          <span class={`badge ${campaignTone(state)}`}>{word('campaignState', state)}</span>
          {reason && <span class="sub">{reason}</span>}
        </>
      ),
      sort: ({ state }) => state,
    },
    {
      id: 'progress',
      head: t('campaigns.progress'),
      cell: (campaign) => <Progress campaign={campaign} />,
      sort: ({ boxes }) => boxes.done ?? 0,
    },
    {
      id: 'created',
      head: t('campaigns.created'),
      cell: ({ created, actor }) => (
        <>
          <Ago at={created} />
          <span class="sub">{actor}</span>
        </>
      ),
      sort: ({ created }) => created,
    },
  ];
}
