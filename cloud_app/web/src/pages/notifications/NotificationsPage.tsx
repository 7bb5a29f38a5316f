/** Who is notified of which alerts, by mail or webhook. */

import { Mail, Plus, Webhook } from 'lucide-preact';
import { api, ask } from '../../api/client';
import type { Notification } from '../../api/types';
import { useData } from '../../api/useData';
import { Button } from '../../components/Button';
import { type Column, DataList } from '../../components/DataList';
import { Page } from '../../components/Page';
import { Ago } from '../../components/Time';
import { useListQuery, withQuery } from '../../components/useListQuery';
import { useOpen } from '../../components/useOpen';
import { t, word } from '../../i18n';
import { NotificationDialog } from './NotificationDialog';
import { delayText } from './notifications';

export function NotificationsPage() {
  const query = useListQuery(['rule']);
  const rules = useData<readonly Notification[]>('notifications', (signal) =>
    ask(api.GET('/api/v1/notifications', { signal })),
  );
  const open = useOpen('rule', query, rules);
  return (
    <Page
      title={t('nav.notifications')}
      tools={
        <Button tone="primary" icon={Plus} onClick={open.begin}>
          {t('notifications.new')}
        </Button>
      }
    >
      <DataList
        label={t('nav.notifications')}
        of={rules}
        query={open.query}
        columns={columns()}
        rowKey={({ id }) => id}
        href={({ id }) => withQuery('/notifications', query.values, { rule: id })}
        text={({ name, tenant, to }) => `${name} ${tenant} ${to.kind === 'mail' ? to.address : to.url}`}
        empty={{ title: t('notifications.none'), hint: t('notifications.noneHint') }}
      />
      {open.isShown && (
        <NotificationDialog key={open.key} {...(open.row && { rule: open.row })} onDone={open.done} />
      )}
    </Page>
  );
}

function columns(): Column<Notification>[] {
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
      id: 'to',
      head: t('notifications.to'),
      cell: ({ to }) => (
        <span class="row">
          {to.kind === 'mail' ? (
            <Mail size={15} aria-hidden="true" />
          ) : (
            <Webhook size={15} aria-hidden="true" />
          )}
          <span class="to-address">{to.kind === 'mail' ? to.address : to.url}</span>
        </span>
      ),
      sort: ({ to }) => (to.kind === 'mail' ? to.address : to.url),
    },
    {
      id: 'what',
      head: t('notifications.what'),
      cell: ({ severities, rules, sites }) =>
        [
          severities.map((each) => word('severity', each)).join(', '),
          rules.map((each) => word('rule', each)).join(', '),
          sites.join(', '),
        ]
          .filter(Boolean)
          .join(' · ') || t('notifications.everything'),
    },
    {
      id: 'when',
      head: t('notifications.when'),
      cell: ({ after_s }) => delayText(after_s),
      sort: ({ after_s }) => after_s,
    },
    {
      id: 'state',
      head: t('alerts.state'),
      cell: (rule) => <RuleState rule={rule} />,
      sort: ({ enabled, fault }) => (fault ? 0 : enabled ? 1 : 2),
    },
  ];
}

function RuleState({ rule }: { rule: Notification }) {
  if (!rule.enabled) return <span class="badge">{t('notifications.off')}</span>;
  if (rule.fault) {
    return (
      <span class="badge bad" title={rule.fault}>
        {t('notifications.failing')}
      </span>
    );
  }
  return (
    <>
      <span class="badge good">{t('notifications.on')}</span>
      {rule.delivered && (
        <span class="sub">
          {t('notifications.delivered')} <Ago at={rule.delivered} />
        </span>
      )}
    </>
  );
}
