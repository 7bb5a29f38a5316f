/** Rules: people's own and those of the service; what is stopped, failing, given up. */

import { Plus } from 'lucide-preact';
import { api, ask } from '../../api/client';
import type { BuiltInRule, Rule } from '../../api/types';
import { useData } from '../../api/useData';
import { Button } from '../../components/Button';
import { type Column, DataList } from '../../components/DataList';
import { Page } from '../../components/Page';
import { Ago } from '../../components/Time';
import { useListQuery, withQuery } from '../../components/useListQuery';
import { useOpen } from '../../components/useOpen';
import { t, tn, word } from '../../i18n';
import { TONES } from '../alerts/alerts';
import { RuleDialog } from './RuleDialog';
import { actionText, draftOf, windowText } from './rules';
import './rules.css';

export function RulesPage() {
  const query = useListQuery(['rule', 'built-in']);
  const rules = useData<readonly Rule[]>('rules', (signal) => ask(api.GET('/api/v1/rules', { signal })), {
    everyS: 15,
  });
  const builtIn = useData<readonly BuiltInRule[]>('rules built-in', (signal) =>
    ask(api.GET('/api/v1/rules/built-in', { signal })),
  );
  const open = useOpen('rule', query, rules);
  const shipped = builtIn.data?.find(({ rule }) => rule === query.values['built-in']);
  const done = () => {
    builtIn.reload();
    query.set({ 'built-in': '' });
    open.done();
  };
  return (
    <Page
      title={t('nav.rules')}
      tools={
        <Button tone="primary" icon={Plus} onClick={open.begin}>
          {t('rules.new')}
        </Button>
      }
    >
      <DataList
        label={t('rules.ownRules')}
        of={rules}
        query={open.query}
        columns={columns()}
        rowKey={({ id }) => id}
        href={({ id }) => withQuery('/rules', query.values, { rule: id })}
        text={({ rule, tenant }) => `${rule.name} ${tenant} ${rule.when}`}
        empty={{ title: t('rules.none'), hint: t('rules.noneHint') }}
      />
      <h2 class="rules-more">{t('rules.builtIn')}</h2>
      <p class="hint">{t('rules.builtInHint')}</p>
      <DataList
        label={t('rules.builtIn')}
        of={builtIn}
        query={{ ...query, values: {} }}
        columns={builtInColumns()}
        rowKey={({ rule }) => rule}
        href={({ rule, versions }) =>
          withQuery('/rules', {}, versions[0] ? { rule: versions[0] } : { 'built-in': rule })
        }
        text={({ rule }) => word('rule', rule)}
        empty={{ title: t('rules.none') }}
      />
      {open.isShown && <RuleDialog key={open.key} {...(open.row && { rule: open.row })} onDone={done} />}
      {!open.isShown && shipped?.shipped && <RuleDialog key={shipped.rule} shipped={shipped} onDone={done} />}
    </Page>
  );
}

function columns(): Column<Rule>[] {
  return [
    {
      id: 'name',
      head: t('settings.name'),
      phone: 'title',
      cell: ({ rule, tenant }) => (
        <>
          {rule.name}
          <span class="sub">
            {rule.replaces
              ? `${tenant} · ${t('rules.insteadOf', { rule: word('rule', rule.replaces) })}`
              : tenant}
          </span>
        </>
      ),
      sort: ({ rule }) => rule.name,
    },
    {
      id: 'when',
      head: t('rules.when'),
      cell: (rule) => (
        <>
          <code class="rule-when">{rule.rule.when}</code>
          <span class="sub">
            {word('ruleTrigger', rule.rule.trigger ?? 'event')} · {windowText(draftOf(rule).window)}
          </span>
        </>
      ),
    },
    {
      id: 'does',
      head: t('rules.does'),
      cell: (rule) => <span class="rule-does">{draftOf(rule).actions.map(actionText).join(', ')}</span>,
    },
    {
      id: 'fired',
      head: t('rules.fired'),
      cell: ({ fired, last_fired }) =>
        last_fired ? (
          <>
            <Ago at={last_fired} />
            <span class="sub">{tn('rules.times', fired)}</span>
          </>
        ) : (
          t('rules.never')
        ),
      sort: ({ last_fired }) => last_fired ?? '',
    },
    {
      id: 'state',
      head: t('alerts.state'),
      cell: (rule) => <State rule={rule} />,
      sort: ({ quarantined, dead, rule }) => (quarantined ? 0 : dead ? 1 : rule.enabled ? 2 : 3),
    },
  ];
}

function State({ rule }: { rule: Rule }) {
  const { quarantined, fault, delivery_fault, dead, waiting } = rule;
  return (
    <>
      {quarantined ? (
        <span class="badge bad" title={fault ?? ''}>
          {t('rules.stopped')}
        </span>
      ) : rule.rule.enabled ? (
        <span class="badge good">{t('notifications.on')}</span>
      ) : (
        <span class="badge">{t('notifications.off')}</span>
      )}
      {dead > 0 && <span class="sub bad">{tn('rules.dead', dead)}</span>}
      {waiting > 0 && (
        <span class="sub" title={delivery_fault ?? ''}>
          {tn('rules.waiting', waiting)}
        </span>
      )}
    </>
  );
}

function builtInColumns(): Column<BuiltInRule>[] {
  return [
    {
      id: 'rule',
      head: t('alerts.rule'),
      phone: 'title',
      cell: ({ rule }) => word('rule', rule),
      sort: ({ rule }) => word('rule', rule),
    },
    {
      id: 'severity',
      head: t('alerts.severity'),
      cell: ({ severity }) => <span class={`badge ${TONES[severity]}`}>{word('severity', severity)}</span>,
      sort: ({ severity }) => severity,
    },
    {
      id: 'limits',
      head: t('rules.limits'),
      cell: ({ limits }) =>
        Object.entries(limits).map(([name, value]) => (
          <code key={name} class="rule-limit">
            {name} = {value}
          </code>
        )),
    },
    {
      id: 'versions',
      head: t('rules.yours'),
      cell: ({ versions, shipped }) =>
        versions.length ? (
          <span class="badge good">{t('rules.changed')}</span>
        ) : shipped ? (
          t('rules.asShipped')
        ) : (
          t('rules.fixed')
        ),
    },
    {
      id: 'open',
      head: t('rules.open'),
      cell: ({ open, rule }) => (
        <a class="num" href={`/alerts?state=any&rule=${rule}`}>
          {open}
        </a>
      ),
      sort: ({ open }) => open,
    },
    {
      id: 'last',
      head: t('rules.fired'),
      cell: ({ last_fired }) => (last_fired ? <Ago at={last_fired} /> : t('rules.never')),
      sort: ({ last_fired }) => last_fired ?? '',
    },
  ];
}
