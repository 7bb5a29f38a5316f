/** Who gets which report by mail, how often. */

import { Plus } from 'lucide-preact';
import { api, ask } from '../../api/client';
import type { ReportSchedule } from '../../api/types';
import { useData } from '../../api/useData';
import { Button } from '../../components/Button';
import { type Column, DataList } from '../../components/DataList';
import { Page } from '../../components/Page';
import { Ago } from '../../components/Time';
import { useListQuery, withQuery } from '../../components/useListQuery';
import { useOpen } from '../../components/useOpen';
import { t } from '../../i18n';
import { dateText } from './reports';
import { ScheduleDialog } from './ScheduleDialog';

export function SchedulesPage() {
  const query = useListQuery(['schedule']);
  const schedules = useData<readonly ReportSchedule[]>('report schedules', (signal) =>
    ask(api.GET('/api/v1/report-schedules', { signal })),
  );
  const open = useOpen('schedule', query, schedules);
  return (
    <Page
      title={t('reports.schedules')}
      above={[{ label: t('nav.reports'), href: '/reports' }]}
      tools={
        <Button tone="primary" icon={Plus} onClick={open.begin}>
          {t('reports.newSchedule')}
        </Button>
      }
    >
      <DataList
        label={t('reports.schedules')}
        of={schedules}
        query={open.query}
        columns={columns()}
        rowKey={({ id }) => id}
        href={({ id }) => withQuery('/reports/schedules', query.values, { schedule: id })}
        text={({ name, tenant, recipients }) => `${name} ${tenant} ${recipients.join(' ')}`}
        empty={{ title: t('reports.noSchedules'), hint: t('reports.noSchedulesHint') }}
      />
      {open.isShown && (
        <ScheduleDialog key={open.key} {...(open.row && { schedule: open.row })} onDone={open.done} />
      )}
    </Page>
  );
}

function columns(): Column<ReportSchedule>[] {
  return [
    {
      id: 'name',
      head: t('settings.name'),
      phone: 'title',
      cell: ({ name, tenant }) => (
        <>
          {name}
          <span class="sub">{tenant}</span>
        </>
      ),
      sort: ({ name }) => name,
    },
    {
      id: 'every',
      head: t('reports.every'),
      cell: ({ every, formats }) => `${t(`reports.every.${every}`)} · ${formats.join(', ').toUpperCase()}`,
      sort: ({ every }) => every,
    },
    { id: 'recipients', head: t('reports.recipients'), cell: ({ recipients }) => recipients.join(', ') },
    {
      id: 'next',
      head: t('reports.next'),
      cell: ({ next_first, next_last }) => `${dateText(next_first)} – ${dateText(next_last)}`,
      sort: ({ next_last }) => next_last,
    },
    {
      id: 'state',
      head: t('alerts.state'),
      cell: ({ enabled, fault, sent }) =>
        enabled ? (
          <>
            <span class={`badge ${fault ? 'bad' : 'good'}`} title={fault ?? ''}>
              {t(fault ? 'notifications.failing' : 'notifications.on')}
            </span>
            {sent && (
              <span class="sub">
                {t('reports.sent')} <Ago at={sent} />
              </span>
            )}
          </>
        ) : (
          <span class="badge">{t('notifications.off')}</span>
        ),
    },
  ];
}
