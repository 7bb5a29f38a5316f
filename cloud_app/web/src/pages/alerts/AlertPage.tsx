/** One alert: what is wrong, what was done about it, and what to do. */

import { ArrowRight } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { ApiError, api, ask } from '../../api/client';
import { useLive } from '../../api/live';
import type { AlertDetail, AlertLogEntry } from '../../api/types';
import { useData } from '../../api/useData';
import { may } from '../../app/session';
import { toast, toastError } from '../../app/toasts';
import { ButtonLink } from '../../components/Button';
import { Card } from '../../components/Card';
import { Facts, Stale } from '../../components/Form';
import { Page } from '../../components/Page';
import { Loaded } from '../../components/states';
import { Ago, At } from '../../components/Time';
import { t, word } from '../../i18n';
import { span } from '../../i18n/format';
import { type Act, AlertActions } from './AlertActions';
import { SeverityBadge, StateBadge } from './AlertsPage';
import { alertText, ruleText, subjectHref } from './alerts';
import './alerts.css';

export function AlertPage(route: { alert: string }) {
  const number = Number(route.alert);
  return <OneAlert key={number} number={number} />;
}

function OneAlert({ number }: { number: number }) {
  const params = { path: { alert: number } };
  const detail = useData<AlertDetail>(`alert ${number}`, (signal) =>
    ask(api.GET('/api/v1/alerts/{alert}', { params, signal })),
  );
  useLive({ lots: true }, { alerts: detail.reload, resync: detail.reload });
  const [newer, setNewer] = useState<AlertDetail>();

  /** Whether it was done. */
  const act = async (body: Act, alert: AlertDetail): Promise<boolean> => {
    // Words of two people do not stand in each other's way; acts do.
    const header = body.action === 'comment' ? {} : { 'if-match': `"${alert.version}"` };
    try {
      const done = await ask(
        api.POST('/api/v1/alerts/{alert}/actions', { params: { ...params, header }, body }),
      );
      setNewer(undefined);
      detail.patch(() => done);
      toast(word('alertDone', body.action), 'good');
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 412) {
        const { alert: now } = error.body as { alert: AlertDetail };
        setNewer(now);
        detail.patch(() => now);
      } else toastError(error);
      return false;
    }
  };

  const title = detail.data
    ? ruleText(detail.data.rule)
    : Number.isNaN(number)
      ? t('alerts.alert')
      : t('alerts.number', { n: number });
  return (
    <Page title={title} above={[{ label: t('nav.alerts'), href: '/alerts' }]}>
      <Loaded of={detail}>
        {(alert) => (
          <div class="columns">
            <div class="stack">
              <Head alert={alert} />
              {newer && <Meanwhile alert={newer} />}
              {may('respond') && <AlertActions alert={alert} act={(body) => act(body, alert)} />}
              <Card title={t('alerts.log')} flush>
                <Log entries={alert.log} site={alert.site} />
              </Card>
            </div>
            <Card title={t('alerts.facts')}>
              <AlertFacts alert={alert} />
            </Card>
          </div>
        )}
      </Loaded>
    </Page>
  );
}

function Head({ alert }: { alert: AlertDetail }) {
  const href = subjectHref(alert);
  return (
    <Card>
      <div class="stack">
        <div class="row wrap">
          <SeverityBadge alert={alert} />
          <StateBadge alert={alert} />
          <span class="soft small">
            <Ago at={alert.opened} site={alert.site} />
          </span>
        </div>
        <p class="alert-says">{alertText(alert)}</p>
        {href && (
          <div>
            <ButtonLink href={href} icon={ArrowRight} size="small">
              {t('alerts.lookAt', { what: alert.subject })}
            </ButtonLink>
          </div>
        )}
      </div>
    </Card>
  );
}

function Meanwhile({ alert }: { alert: AlertDetail }) {
  const last = alert.log.at(-1);
  return (
    <Stale text={t('alerts.meanwhile')}>
      {last && (
        <p>
          {word('alertLog', last.action)} · {last.actor ?? t('alerts.service')} ·{' '}
          <Ago at={last.at} site={alert.site} />
        </p>
      )}
      <p>{t('alerts.meanwhileHint')}</p>
    </Stale>
  );
}

function AlertFacts({ alert }: { alert: AlertDetail }) {
  return (
    <Facts
      facts={[
        [
          t('kind.site'),
          <a key="site" href={`/?site=${encodeURIComponent(alert.site)}`}>
            {alert.site}
          </a>,
        ],
        [t('alerts.subject'), alert.subject],
        [t('alerts.opened'), <At key="opened" at={alert.opened} site={alert.site} />],
        [t('alerts.condition'), t(alert.lasts ? 'alerts.lasts' : 'alerts.ceased')],
        [t('alerts.assignee'), alert.assignee ?? t('alerts.nobody')],
        [t('alerts.acknowledgedBy'), alert.acknowledged_by],
        [
          t('alerts.silencedUntil'),
          alert.state === 'silenced' && alert.silenced_until && (
            <At key="until" at={alert.silenced_until} site={alert.site} />
          ),
        ],
        [
          t('alerts.escalated'),
          alert.escalated_at && <At key="escalated" at={alert.escalated_at} site={alert.site} />,
        ],
        [t('alerts.closed'), alert.closed && <At key="closed" at={alert.closed} site={alert.site} />],
        [t('alerts.closedBy'), alert.closed && (alert.closed_by ?? t('alerts.byItself'))],
        [
          t('alerts.duration'),
          alert.closed && span((Date.parse(alert.closed) - Date.parse(alert.opened)) / 1000),
        ],
        [t('alerts.told'), t(alert.delivered ? 'yes' : 'no')],
      ]}
    />
  );
}

/** The newest on top. */
function Log({ entries, site }: { entries: readonly AlertLogEntry[]; site: string }) {
  return (
    <ol class="log">
      {entries.toReversed().map((entry) => (
        <li key={`${entry.at} ${entry.action} ${entry.text}`} class={entry.action}>
          <i aria-hidden="true" />
          <div>
            <p>
              <span class="strong">{word('alertLog', entry.action)}</span>
              {entry.assignee && <> → {entry.assignee}</>}
              {entry.action === 'assigned' && !entry.assignee && <> → {t('alerts.nobody')}</>}
              {entry.until && (
                <>
                  {' '}
                  {t('alerts.until')} <At at={entry.until} site={site} />
                </>
              )}
            </p>
            {entry.text && entry.action !== 'opened' && (
              <p class={entry.action === 'commented' ? 'said' : 'soft small'}>{entry.text}</p>
            )}
            <p class="soft small">
              {entry.actor ?? t('alerts.service')} · <At at={entry.at} site={site} />
            </p>
          </div>
        </li>
      ))}
    </ol>
  );
}
