/** Alerts: what is wrong now, and what was. */

import { MessageSquare, UserRound } from 'lucide-preact';
import { api, ask, fileUrl } from '../../api/client';
import { useLive } from '../../api/live';
import type { Alert } from '../../api/types';
import { useData } from '../../api/useData';
import { usePages } from '../../api/usePages';
import { access } from '../../app/session';
import { type Column, DataList, type Filter } from '../../components/DataList';
import { Page } from '../../components/Page';
import { Ago } from '../../components/Time';
import { useListQuery } from '../../components/useListQuery';
import { t, word } from '../../i18n';
import { span } from '../../i18n/format';
import { alertQuery, alertText, gravity, RULES, ruleText, SEVERITIES, STATES, TONES } from './alerts';
import './alerts.css';

const PAGE = 100;

export function AlertsPage() {
  const query = useListQuery(['state', 'severity', 'rule', 'site', 'assignee', 'from', 'to']);
  const me = access.value?.session?.email ?? null;
  const wanted = alertQuery(query.values, me);
  const { rows, more } = usePages<Alert, number>(
    `alerts ${JSON.stringify(wanted)}`,
    (before, signal) =>
      ask(
        api.GET('/api/v1/alerts', {
          params: { query: { ...wanted, limit: PAGE, ...(before && { before }) } },
          ...(signal && { signal }),
        }),
      ),
    { size: PAGE, cursor: ({ id }) => id, rowKey: ({ id }) => String(id) },
  );
  useLive({ lots: true }, { alerts: rows.reload, resync: rows.reload });
  const filters = useFilters(me !== null);
  return (
    <Page title={t('nav.alerts')}>
      <DataList
        label={t('nav.alerts')}
        of={rows}
        query={query}
        columns={columns()}
        rowKey={({ id }) => String(id)}
        href={({ id }) => `/alerts/${id}`}
        filters={filters}
        hasSearch
        more={more}
        exportUrl={() => fileUrl('/api/v1/alerts', { ...wanted, format: 'csv' })}
        empty={{ title: t('alerts.none'), hint: t('alerts.noneHint') }}
      />
    </Page>
  );
}

function useFilters(isPerson: boolean): Filter[] {
  const sites = useData('sites', (signal) => ask(api.GET('/api/v1/sites', { signal })));
  const options = (group: string, codes: readonly string[]) =>
    codes.map((value) => ({ value, label: word(group, value) }));
  return [
    {
      id: 'state',
      label: t('alerts.state'),
      none: t('alerts.notClosed'),
      options: [...options('alertState', STATES), { value: 'any', label: t('alerts.any') }],
    },
    { id: 'severity', label: t('alerts.severity'), options: options('severity', SEVERITIES) },
    { id: 'rule', label: t('alerts.rule'), options: options('rule', RULES) },
    {
      id: 'site',
      label: t('kind.site'),
      options: (sites.data ?? []).map(({ site }) => ({ value: site, label: site })),
    },
    ...(isPerson
      ? [{ id: 'assignee', label: t('alerts.assignee'), options: [{ value: 'me', label: t('alerts.mine') }] }]
      : []),
    { id: 'from', label: t('filter.from'), options: [], isDay: true },
    { id: 'to', label: t('filter.to'), options: [], isDay: true },
  ];
}

/** As a badge that says how grave. */
export function SeverityBadge({ alert }: { alert: Pick<Alert, 'severity'> }) {
  return <span class={`badge ${TONES[alert.severity]}`}>{word('severity', alert.severity)}</span>;
}

export function StateBadge({ alert }: { alert: Pick<Alert, 'state'> }) {
  return <span class={`badge ${TONES[alert.state]}`}>{word('alertState', alert.state)}</span>;
}

function columns(): Column<Alert>[] {
  return [
    {
      id: 'severity',
      head: t('alerts.severity'),
      cell: (alert) => <SeverityBadge alert={alert} />,
      sort: ({ severity }) => gravity(severity),
    },
    {
      id: 'rule',
      head: t('alerts.alert'),
      phone: 'title',
      cell: (alert) => (
        <>
          {ruleText(alert.rule)}
          <span class="sub alert-text">{alertText(alert)}</span>
        </>
      ),
      sort: ({ rule }) => ruleText(rule),
    },
    { id: 'site', head: t('kind.site'), cell: ({ site }) => site, sort: ({ site }) => site },
    {
      id: 'state',
      head: t('alerts.state'),
      cell: (alert) => <StateBadge alert={alert} />,
      sort: ({ state }) => STATES.indexOf(state),
    },
    {
      id: 'assignee',
      head: t('alerts.assignee'),
      cell: (alert) => (
        <span class="row">
          {alert.assignee ? (
            <span class="row nowrap">
              <UserRound size={14} aria-hidden="true" />
              {alert.assignee.split('@')[0]}
            </span>
          ) : (
            <span class="soft">–</span>
          )}
          {alert.comments > 0 && (
            <span class="row soft small num" title={t('alerts.comments')}>
              <MessageSquare size={13} aria-hidden="true" />
              {alert.comments}
            </span>
          )}
        </span>
      ),
      sort: ({ assignee }) => assignee,
    },
    {
      id: 'opened',
      head: t('alerts.opened'),
      cell: (alert) => (
        <>
          <Ago at={alert.opened} site={alert.site} />
          {alert.closed && <span class="sub">{t('alerts.lasted', { span: lasted(alert) })}</span>}
        </>
      ),
      sort: ({ opened }) => Date.parse(opened),
    },
  ];
}

const lasted = ({ opened, closed }: Alert) =>
  span((Date.parse(closed ?? opened) - Date.parse(opened)) / 1000);
