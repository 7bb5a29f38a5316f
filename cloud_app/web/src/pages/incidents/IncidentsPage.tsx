/** Vehicles that stand, or stood, as they should not. */

import { api, ask, fileUrl } from '../../api/client';
import { useLive } from '../../api/live';
import type { Incident } from '../../api/types';
import { useData } from '../../api/useData';
import { usePages } from '../../api/usePages';
import { type Column, DataList, type Filter } from '../../components/DataList';
import { Page } from '../../components/Page';
import { Ago } from '../../components/Time';
import { useListQuery, withQuery } from '../../components/useListQuery';
import { t, word } from '../../i18n';
import { span } from '../../i18n/format';
import { INCIDENT_KINDS } from '../alerts/alerts';
import { IncidentPanel } from './IncidentPanel';
import { incidentKey, incidentQuery, STATE_TONES, stateOf } from './incidents';
import './incidents.css';

const PAGE = 100;
/** Enough of one box to find the one that a link names. */
const OF_ONE_EDGE = 1000;

export function IncidentsPage() {
  const query = useListQuery(['site', 'lot', 'edge', 'kind', 'open', 'from', 'to', 'incident']);
  const { incident: chosen = '', ...rest } = query.values;
  const wanted = incidentQuery(rest);
  const { rows, more } = usePages<Incident, string>(
    `incidents ${JSON.stringify(wanted)}`,
    (after, signal) =>
      ask(
        api.GET('/api/v1/incidents', {
          params: { query: { ...wanted, limit: PAGE, ...(after && { after }) } },
          ...(signal && { signal }),
        }),
      ),
    { size: PAGE, cursor: incidentKey, rowKey: incidentKey },
  );
  useLive({}, { change: rows.reload, resync: rows.reload });
  const listed = rows.data?.find((each) => incidentKey(each) === chosen);
  const linked = useLinked(chosen && rows.data && !listed ? chosen : '');
  const shown = listed ?? linked;
  const filters = useFilters(rest);
  return (
    <Page title={t('nav.incidents')}>
      <div class={`with-panel ${shown ? 'open' : ''}`}>
        <DataList
          label={t('nav.incidents')}
          of={rows}
          query={{ ...query, values: rest }}
          columns={columns()}
          rowKey={incidentKey}
          href={(row) =>
            withQuery('/incidents', query.values, {
              incident: incidentKey(row) === chosen ? '' : incidentKey(row),
            })
          }
          filters={filters}
          hasSearch
          more={more}
          exportUrl={() =>
            fileUrl('/api/v1/incidents', {
              ...Object.fromEntries(Object.entries(wanted).map(([name, value]) => [name, String(value)])),
              format: 'csv',
            })
          }
          empty={{ title: t('incidents.none'), hint: t('incidents.noneHint') }}
        />
        {shown && <IncidentPanel incident={shown} onClose={() => query.set({ incident: '' })} />}
      </div>
    </Page>
  );
}

/** The incident of a link that no page of the list shows. */
function useLinked(key: string): Incident | undefined {
  const [edge = ''] = key.split('/');
  const found = useData<readonly Incident[]>(key ? `incident ${key}` : null, (signal) =>
    ask(api.GET('/api/v1/incidents', { params: { query: { edge, limit: OF_ONE_EDGE } }, signal })),
  );
  return found.data?.find((each) => incidentKey(each) === key);
}

function useFilters(values: Readonly<Record<string, string>>): Filter[] {
  const sites = useData('sites', (signal) => ask(api.GET('/api/v1/sites', { signal })));
  const plain = (texts: readonly string[]) => texts.map((value) => ({ value, label: value }));
  const lots = sites.data?.find(({ site }) => site === values.site)?.lots ?? [];
  return [
    {
      id: 'open',
      label: t('alerts.state'),
      options: [
        { value: 'yes', label: t('incidents.lasting') },
        { value: 'no', label: t('incident.over') },
      ],
    },
    {
      id: 'kind',
      label: t('incidents.kind'),
      options: INCIDENT_KINDS.map((value) => ({ value, label: word('incident', value) })),
    },
    { id: 'site', label: t('kind.site'), options: plain((sites.data ?? []).map(({ site }) => site)) },
    ...(values.site ? [{ id: 'lot', label: t('kind.lot'), options: plain(lots) }] : []),
    ...(values.edge ? [{ id: 'edge', label: t('kind.edge'), options: plain([values.edge]) }] : []),
    { id: 'from', label: t('filter.from'), options: [], isDay: true },
    { id: 'to', label: t('filter.to'), options: [], isDay: true },
  ];
}

export function IncidentState({ incident }: { incident: Incident }) {
  const state = stateOf(incident);
  return (
    <span class={`badge ${STATE_TONES[state]}`}>
      {state === 'stale' ? t('bay.stale') : t(state === 'open' ? 'incident.open' : 'incident.over')}
    </span>
  );
}

function columns(): Column<Incident>[] {
  return [
    {
      id: 'kind',
      head: t('incidents.kind'),
      phone: 'title',
      cell: (row) => word('incident', row.kind),
      sort: 'api',
    },
    {
      id: 'state',
      head: t('alerts.state'),
      cell: (row) => <IncidentState incident={row} />,
      sort: 'api',
    },
    {
      id: 'site',
      head: t('incidents.place'),
      cell: ({ site, lot, bays, area }) => (
        <>
          {[site, lot].filter(Boolean).join(' · ')}
          <span class="sub">{[bays.join(', '), area].filter(Boolean).join(' · ')}</span>
        </>
      ),
      sort: 'api',
    },
    {
      id: 'vehicle',
      head: t('incidents.vehicle'),
      cell: ({ vehicle }) => (vehicle ? word('vehicle', vehicle) : '–'),
      phone: 'hidden',
    },
    {
      id: 'began',
      head: t('incidents.began'),
      cell: ({ began, site }) => <Ago at={began} site={site} />,
      sort: 'api',
    },
    {
      id: 'stood',
      head: t('incidents.stood'),
      isNumber: true,
      cell: ({ stood_s, limit_s }) => (
        <>
          {span(stood_s)}
          {limit_s !== null && <span class="sub">{t('incidents.limit', { span: span(limit_s) })}</span>}
        </>
      ),
      sort: 'api',
    },
  ];
}
