/** The newest events of the stream, as the boxes told them. */

import { api, ask, fileUrl } from '../../api/client';
import { useLive } from '../../api/live';
import type { EventItem } from '../../api/types';
import { useData } from '../../api/useData';
import { StateWord } from '../../components/counts';
import { type Column, DataList } from '../../components/DataList';
import { Page } from '../../components/Page';
import { At } from '../../components/Time';
import { useListQuery } from '../../components/useListQuery';
import { t, word } from '../../i18n';
import { percent } from '../../i18n/format';
import { whatOf } from './words';

const EVENTS_MAX = 200;

const columns = (): Column<EventItem>[] => [
  {
    id: 'time',
    head: t('event.time'),
    cell: ({ time, site }) => <At at={time} site={site} />,
    sort: ({ time }) => time,
  },
  {
    id: 'what',
    head: t('event.what'),
    cell: whatOf,
    sort: whatOf,
    phone: 'title',
  },
  {
    id: 'state',
    head: t('lot.state'),
    cell: ({ state, reason }) => (
      <>
        {state && <StateWord state={state} />}
        {state && reason && <small>{word('reason', reason)}</small>}
      </>
    ),
    sort: ({ state }) => state,
  },
  {
    id: 'cause',
    head: t('event.cause'),
    cell: ({ kind, cause }) => kind === 'changed' && cause && word('cause', cause),
    sort: ({ cause }) => cause,
  },
  {
    id: 'conf',
    head: t('lot.confidence'),
    cell: ({ conf, state }) => (conf === null || state === 'unknown' ? '–' : percent(conf)),
    sort: ({ conf }) => conf,
    isNumber: true,
  },
  {
    id: 'edge',
    head: t('kind.edge'),
    cell: ({ edge }) => <a href={`/edges/${encodeURIComponent(edge)}`}>{edge}</a>,
    sort: ({ edge }) => edge,
  },
  { id: 'site', head: t('kind.site'), cell: ({ site }) => site, sort: ({ site }) => site },
];

export function EventsPage() {
  const query = useListQuery(['site']);
  const { site } = query.values;
  const events = useData<readonly EventItem[]>(`events ${query.key}`, (signal) =>
    ask(
      api.GET('/api/v1/events', { params: { query: { limit: EVENTS_MAX, ...(site && { site }) } }, signal }),
    ),
  );
  useLive({}, { change: events.reload, resync: events.reload });
  return (
    <Page title={t('nav.events')}>
      <DataList
        label={t('nav.events')}
        of={events}
        query={query}
        columns={columns()}
        rowKey={({ id, edge }) => `${edge} ${id}`}
        text={(event) => `${whatOf(event)} ${event.edge} ${event.site}`}
        exportUrl={() => fileUrl('/api/v1/events', { format: 'csv', site })}
        empty={{ title: t('event.none'), hint: t('event.noneHint') }}
      />
    </Page>
  );
}
