/** One campaign: how far it is, why it stopped, and each box with what it said. */

import { Pause, Play, RotateCcw, Square } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { Campaign, CampaignBox } from '../../api/types';
import { type Data, useData } from '../../api/useData';
import { may } from '../../app/session';
import { toast, toastError } from '../../app/toasts';
import { Button } from '../../components/Button';
import { Card } from '../../components/Card';
import { type Column, DataList } from '../../components/DataList';
import { Dialog } from '../../components/Dialog';
import { Check, type Fact, Facts } from '../../components/Form';
import { Page } from '../../components/Page';
import { Loaded } from '../../components/states';
import { Ago, At } from '../../components/Time';
import { useListQuery } from '../../components/useListQuery';
import { t, word } from '../../i18n';
import { span } from '../../i18n/format';
import { BOX_STATES, campaignTone, toneOf } from './campaigns';
import { Progress } from './Progress';

const EVERY_S = 5;

export function CampaignPage(route: { campaign: string }) {
  return <OneCampaign key={route.campaign} id={route.campaign} />;
}

function OneCampaign({ id }: { id: string }) {
  const params = { path: { campaign: id } };
  const campaign = useData<Campaign>(
    `campaign ${id}`,
    (signal) => ask(api.GET('/api/v1/campaigns/{campaign}', { params, signal })),
    { everyS: EVERY_S },
  );
  const boxes = useData<readonly CampaignBox[]>(
    `campaign boxes ${id}`,
    (signal) => ask(api.GET('/api/v1/campaigns/{campaign}/boxes', { params, signal })),
    { everyS: EVERY_S },
  );
  const again = () => {
    campaign.reload();
    boxes.reload();
  };
  return (
    <Page
      title={campaign.data?.name ?? t('nav.campaigns')}
      above={[{ label: t('nav.campaigns'), href: '/campaigns' }]}
    >
      <Loaded of={campaign}>
        {(found) => (
          <>
            {found.reason && (
              <p class="banner rounded bad" role="status">
                {found.reason}
              </p>
            )}
            <Card
              title={t('campaigns.progress')}
              tools={
                <span class={`badge ${campaignTone(found.state)}`}>{word('campaignState', found.state)}</span>
              }
            >
              <Progress campaign={found} />
              <CampaignFacts campaign={found} />
              {may('operate') && <Acts campaign={found} onDone={again} />}
            </Card>
            <Boxes boxes={boxes} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function CampaignFacts({ campaign }: { campaign: Campaign }) {
  const { kind, to_version, former_version, canaries, batch, soak_s, attempts } = campaign;
  const facts: readonly Fact[] = [
    [t('campaigns.what'), `${word('jobKind', kind)} ${to_version}`],
    campaign.settings
      ? [t('campaigns.settings'), <code key="settings">{JSON.stringify(campaign.settings)}</code>]
      : [t('campaigns.files'), [campaign.target, ...campaign.companions].join(', ')],
    [t('campaigns.back'), former_version ?? t('campaigns.noBack')],
    [t('campaigns.steps'), t('campaigns.stepsText', { canaries, batch, soak: span(soak_s) })],
    [t('campaigns.stops'), t('campaigns.stopsText', { n: campaign.stop_after_failures, attempts })],
    [t('campaigns.created'), <At key="at" at={campaign.created} />],
    [t('campaigns.by'), campaign.actor],
  ];
  return <Facts facts={facts} />;
}

function Acts({ campaign, onDone }: { campaign: Campaign; onDone: () => void }) {
  const [isStopping, setStopping] = useState(false);
  const { state, boxes } = campaign;
  const act = async (name: 'start' | 'pause' | 'retry') => {
    try {
      await ask(
        api.POST(`/api/v1/campaigns/{campaign}/${name}`, {
          params: { path: { campaign: campaign.id }, header: { 'if-match': `"${campaign.version}"` } },
        }),
      );
      toast(t(`campaigns.did.${name}`), 'good');
    } catch (error) {
      toastError(error);
    }
    onDone();
  };
  const isOver = state === 'stopped' || state === 'finished';
  if (isOver) return null;
  return (
    <div class="row wrap">
      {state !== 'running' && (
        <Button tone="primary" icon={Play} onClick={() => act('start')}>
          {state === 'draft' ? t('campaigns.start') : t('campaigns.goOn')}
        </Button>
      )}
      {state === 'running' && (
        <Button icon={Pause} onClick={() => act('pause')}>
          {t('campaigns.pause')}
        </Button>
      )}
      {!!boxes.failed && state !== 'draft' && (
        <Button icon={RotateCcw} onClick={() => act('retry')}>
          {t('campaigns.retry')}
        </Button>
      )}
      <Button tone="danger" icon={Square} onClick={() => setStopping(true)}>
        {t('campaigns.stop')}
      </Button>
      {isStopping && <StopDialog campaign={campaign} onClose={() => setStopping(false)} onDone={onDone} />}
    </div>
  );
}

function StopDialog(props: { campaign: Campaign; onClose: () => void; onDone: () => void }) {
  const { campaign, onClose, onDone } = props;
  const [isBack, setBack] = useState(false);
  const stop = async () => {
    try {
      await ask(
        api.POST('/api/v1/campaigns/{campaign}/stop', {
          params: { path: { campaign: campaign.id }, header: { 'if-match': `"${campaign.version}"` } },
          body: { roll_back: isBack, reason: '' },
        }),
      );
      toast(t('campaigns.did.stop'), 'good');
    } catch (error) {
      toastError(error);
    }
    onClose();
    onDone();
  };
  return (
    <Dialog title={t('campaigns.stop')} onClose={onClose}>
      <p>{t('campaigns.stopHint')}</p>
      {campaign.former_version && (
        <Check
          label={t('campaigns.rollBack', { version: campaign.former_version })}
          checked={isBack}
          onChange={setBack}
        />
      )}
      <footer>
        <Button onClick={onClose}>{t('action.cancel')}</Button>
        <Button tone="danger" onClick={stop}>
          {t('campaigns.stop')}
        </Button>
      </footer>
    </Dialog>
  );
}

function Boxes({ boxes }: { boxes: Data<readonly CampaignBox[]> }) {
  const query = useListQuery(['state']);
  return (
    <DataList
      label={t('campaigns.boxes')}
      of={boxes}
      query={query}
      columns={columns()}
      rowKey={({ edge }) => edge}
      href={({ edge }) => `/edges/${encodeURIComponent(edge)}`}
      text={({ edge, site }) => `${edge} ${site}`}
      match={({ state }, values) => !values.state || state === values.state}
      filters={[
        {
          id: 'state',
          label: t('alerts.state'),
          options: BOX_STATES.map((value) => ({ value, label: word('boxState', value) })),
        },
      ]}
      empty={{ title: t('campaigns.noBoxes') }}
    />
  );
}

function columns(): Column<CampaignBox>[] {
  return [
    {
      id: 'edge',
      head: t('campaigns.box'),
      phone: 'title',
      cell: ({ edge, site }) => (
        <>
          {edge}
          <span class="sub">{site}</span>
        </>
      ),
      sort: ({ edge }) => edge,
    },
    {
      id: 'batch',
      head: t('campaigns.batch'),
      cell: ({ batch }) => (batch ? batch : t('campaigns.canary')),
      sort: ({ batch }) => batch,
    },
    {
      id: 'state',
      head: t('alerts.state'),
      cell: ({ state, detail }) => (
        <>
          <span class={`badge ${toneOf(state)}`}>{word('boxState', state)}</span>
          {detail && <span class="sub">{detail}</span>}
        </>
      ),
      sort: ({ state }) => BOX_STATES.indexOf(state),
    },
    {
      id: 'attempts',
      head: t('campaigns.attempts'),
      isNumber: true,
      cell: ({ attempts }) => attempts,
      sort: ({ attempts }) => attempts,
    },
    {
      id: 'times',
      head: t('campaigns.times'),
      cell: ({ given, started, ended }) => (
        <>
          {given && (
            <span>
              {t('campaigns.given')} <Ago at={given} />
            </span>
          )}
          {started && (
            <span class="sub">
              {t('campaigns.begun')} <Ago at={started} />
            </span>
          )}
          {ended && (
            <span class="sub">
              {t('campaigns.ended')} <Ago at={ended} />
            </span>
          )}
        </>
      ),
      sort: ({ ended, given }) => ended ?? given ?? '',
    },
  ];
}
