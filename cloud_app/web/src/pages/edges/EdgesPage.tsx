/** The edge boxes: which are there, and how they are. */

import { api, ask, fileUrl } from '../../api/client';
import { useLive } from '../../api/live';
import type { Edge } from '../../api/types';
import { useData } from '../../api/useData';
import { type Column, DataList } from '../../components/DataList';
import { Page } from '../../components/Page';
import { Ago } from '../../components/Time';
import { useListQuery } from '../../components/useListQuery';
import { t, word } from '../../i18n';
import { count } from '../../i18n/format';
import { camerasUp, healthOf, streamOf } from './edges';
import './edges.css';

const MINUTE_S = 60;

export function EdgesPage() {
  const query = useListQuery(['site', 'state']);
  const { site, state, q } = query.values;
  const wanted = {
    ...(site && { site }),
    ...(state && { state: state as 'online' | 'stale' }),
    ...(q && { q: q.slice(0, 64) }),
  };
  const edges = useData<readonly Edge[]>(
    `edges ${JSON.stringify(wanted)}`,
    (signal) => ask(api.GET('/api/v1/edges', { params: { query: wanted }, signal })),
    { everyS: MINUTE_S },
  );
  useLive({}, { change: edges.reload, resync: edges.reload });
  const sites = useData('sites', (signal) => ask(api.GET('/api/v1/sites', { signal })));
  return (
    <Page title={t('nav.edges')}>
      <DataList
        label={t('nav.edges')}
        of={edges}
        query={query}
        columns={columns()}
        rowKey={({ edge }) => edge}
        href={({ edge }) => `/edges/${encodeURIComponent(edge)}`}
        filters={[
          {
            id: 'state',
            label: t('alerts.state'),
            options: ['online', 'stale'].map((value) => ({ value, label: word('edgeState', value) })),
          },
          {
            id: 'site',
            label: t('kind.site'),
            options: (sites.data ?? []).map((each) => ({ value: each.site, label: each.site })),
          },
        ]}
        hasSearch
        exportUrl={() => fileUrl('/api/v1/edges', { ...wanted, format: 'csv' })}
        empty={{ title: t('edges.none'), hint: t('edges.noneHint') }}
      />
    </Page>
  );
}

export function EdgeState({ edge }: { edge: Edge }) {
  if (!edge.stale) return <span class="badge good">{t('edgeState.online')}</span>;
  const why = edge.stale_reason ? word('staleReason', edge.stale_reason) : t('edgeState.stale');
  return <span class="badge bad">{why}</span>;
}

export function StreamState({ edge }: { edge: Edge }) {
  const { state, waiting, lost } = streamOf(edge);
  if (state === 'none') return <span class="soft">–</span>;
  if (state === 'waiting') return <span class="badge warn">{t('edges.waiting', { n: count(waiting) })}</span>;
  if (state === 'lost') return <span class="badge bad">{t('edges.lost', { n: count(lost) })}</span>;
  return <span class="badge good">{t('edges.complete')}</span>;
}

function columns(): Column<Edge>[] {
  return [
    { id: 'edge', head: t('kind.edge'), cell: ({ edge }) => edge, sort: ({ edge }) => edge, phone: 'title' },
    { id: 'site', head: t('kind.site'), cell: ({ site }) => site, sort: ({ site }) => site },
    {
      id: 'state',
      head: t('alerts.state'),
      cell: (edge) => (
        <span class="row wrap">
          <EdgeState edge={edge} />
          {edge.faults.map((fault) => (
            <span key={fault} class="badge warn">
              {word('fault', fault)}
            </span>
          ))}
        </span>
      ),
      sort: ({ stale, faults }) => (stale ? 0 : faults.length ? 1 : 2),
    },
    {
      id: 'cameras',
      head: t('edges.cameras'),
      isNumber: true,
      cell: (edge) => <CamerasUp edge={edge} />,
      sort: (edge) => {
        const health = healthOf(edge);
        return health?.cameras.length ? (camerasUp(health) ?? 0) / health.cameras.length : null;
      },
    },
    {
      id: 'bays',
      head: t('lot.bays'),
      isNumber: true,
      cell: ({ bays }) => count(bays),
      sort: ({ bays }) => bays,
    },
    {
      id: 'stream',
      head: t('edges.stream'),
      cell: (edge) => <StreamState edge={edge} />,
      sort: (edge) => ['lost', 'waiting', 'complete', 'none'].indexOf(streamOf(edge).state),
    },
    {
      id: 'software',
      head: t('edges.software'),
      cell: ({ software }) => software ?? '–',
      sort: ({ software }) => software,
      phone: 'hidden',
    },
    {
      id: 'seen',
      head: t('edges.lastSeen'),
      cell: ({ last_seen, site }) => (last_seen ? <Ago at={last_seen} site={site} /> : '–'),
      sort: ({ last_seen }) => last_seen && Date.parse(last_seen),
    },
  ];
}

function CamerasUp({ edge }: { edge: Edge }) {
  const health = healthOf(edge);
  if (!health) return <>{edge.cameras.length || '–'}</>;
  const [up, all] = [camerasUp(health) ?? 0, health.cameras.length];
  return <span class={up < all ? 'short' : ''}>{t('edges.upOf', { n: up, all })}</span>;
}
