/** A rule: made, changed, tried on the past, released, deleted. */

import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { BuiltInRule, Rule, RuleTrigger } from '../../api/types';
import { useData } from '../../api/useData';
import { SitesChecks, TenantSelect, useTenants } from '../../app/choices';
import { EditDialog, ifMatch, useEditing } from '../../components/editing';
import { Field, Select, typed } from '../../components/Field';
import { Check, Checks, coded } from '../../components/Form';
import { t, word } from '../../i18n';
import { RULES } from '../alerts/alerts';
import { ActionFields } from './ActionFields';
import { ConditionField } from './ConditionField';
import { DryRun } from './DryRun';
import { DeadLetters, Delete, Quarantine } from './Existing';
import { LimitFields } from './LimitFields';
import {
  type Draft,
  differences,
  draftOf,
  draftOfShipped,
  EVENT_KINDS,
  emptyDraft,
  retriggered,
  specOf,
  TRIGGERS,
  windowOf,
} from './rules';

interface Props {
  /** Absent: a new one. */
  rule?: Rule;
  /** A rule of the service that the new one is to replace. */
  shipped?: BuiltInRule;
  onDone: () => void;
}

export function RuleDialog({ rule, shipped, onDone }: Props) {
  const [chosen, setChosen] = useState('');
  const whose = useTenants(rule?.tenant ?? chosen);
  const editing = useEditing<Rule, Draft>({
    thing: rule,
    name: 'rule',
    draftOf: (of) => (of ? draftOf(of) : shipped ? draftOfShipped(shipped) : emptyDraft()),
    differences,
    save: (draft, now) =>
      ask(
        now
          ? api.PUT('/api/v1/rules/{rule}', {
              params: { path: { rule: now.id }, header: ifMatch(now) },
              body: specOf(draft),
            })
          : api.POST('/api/v1/rules', { body: { tenant: whose.tenant, rule: specOf(draft) } }),
      ),
    onDone,
  });
  const { draft, set, setDraft } = editing;
  return (
    <EditDialog
      title={rule ? rule.rule.name : shipped ? word('rule', shipped.rule) : t('rules.new')}
      of={editing}
      class="rule-form"
      actions={rule && <Delete rule={rule} onDone={onDone} />}
    >
      {rule && <Quarantine rule={rule} onDone={onDone} />}
      {draft.replaces && <p class="hint">{t('rules.replaces', { rule: word('rule', draft.replaces) })}</p>}
      <Field
        label={t('settings.name')}
        required
        maxLength={120}
        value={draft.name}
        onInput={(event: Event) => set({ name: typed(event) })}
      />
      {!rule && <TenantSelect of={whose} onChange={setChosen} />}
      <Condition draft={draft} set={set} setDraft={setDraft} />
      <ActionFields actions={draft.actions} onChange={(actions) => set({ actions })} />
      <div>
        <Check label={t('rules.tellEnd')} checked={draft.tellEnd} onChange={(tellEnd) => set({ tellEnd })} />
        <Check
          label={t('notifications.enabled')}
          checked={draft.enabled}
          onChange={(enabled) => set({ enabled })}
        />
      </div>
      {whose.tenant && <DryRun tenant={whose.tenant} spec={() => specOf(draft)} />}
      {rule && <DeadLetters rule={rule} onDone={onDone} />}
    </EditDialog>
  );
}

interface ConditionProps {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
  setDraft: (draft: Draft) => void;
}

/** What the rule looks at, when it is met, and how it waits. */
function Condition({ draft, set, setDraft }: ConditionProps) {
  const infos = useData('rule variables', (signal) => ask(api.GET('/api/v1/rules/variables', { signal })));
  const rules = useData('rules', (signal) => ask(api.GET('/api/v1/rules', { signal })));
  const info = infos.data?.find(({ trigger }) => trigger === draft.trigger);
  const own = (rules.data ?? []).map(({ id, rule }) => ({ value: `rule:${id}`, label: rule.name }));
  const turn = (trigger: RuleTrigger) => {
    const windows = infos.data?.find((each) => each.trigger === trigger)?.windows ?? ['none'];
    setDraft(retriggered(draft, trigger, windows));
  };
  return (
    <>
      {!draft.replaces && (
        <Select
          label={t('rules.about')}
          value={draft.trigger}
          options={coded('ruleTrigger', TRIGGERS)}
          onChange={(value) => turn(value as RuleTrigger)}
        />
      )}
      {draft.trigger === 'event' && (
        <Checks
          label={t('rules.kinds')}
          hint={t('notifications.anyHint')}
          values={draft.kinds}
          options={coded('ruleEvent', EVENT_KINDS)}
          onChange={(kinds) => set({ kinds })}
        />
      )}
      {draft.trigger === 'alert' && (
        <Checks
          label={t('rules.alerts')}
          hint={t('rules.alertsHint')}
          values={draft.alerts}
          options={[...coded('rule', RULES), ...own]}
          onChange={(alerts) => set({ alerts })}
        />
      )}
      <SitesChecks values={draft.sites} onChange={(sites) => set({ sites })} />
      <LimitFields limits={draft.limits} onChange={(limits) => set({ limits })} />
      <ConditionField
        limits={draft.limits}
        when={draft.when}
        trigger={draft.trigger}
        info={info}
        onChange={(when) => set({ when })}
      />
      <details class="rule-until" open={!!draft.until}>
        <summary>{t('rules.until')}</summary>
        <ConditionField
          label={t('rules.until')}
          hint={t('rules.untilHint')}
          isOptional
          limits={draft.limits}
          when={draft.until}
          trigger={draft.trigger}
          info={info}
          onChange={(until) => set({ until })}
        />
      </details>
      <WindowFields draft={draft} set={set} windows={info?.windows ?? ['none']} keys={info?.keys ?? []} />
    </>
  );
}

interface WindowProps {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
  windows: readonly string[];
  keys: readonly string[];
}

const MINUTE_S = 60;

function WindowFields({ draft, set, windows, keys }: WindowProps) {
  const { kind = 'none', span_s = 0, count = 1 } = draft.window;
  const turn = (change: Partial<Draft['window']>) =>
    set({ window: windowOf({ ...draft.window, ...change }) });
  return (
    <>
      <Select
        label={t('rules.window')}
        value={kind}
        options={coded('ruleWindow', windows)}
        onChange={(value) => turn({ kind: value as typeof kind, span_s: span_s || 10 * MINUTE_S })}
      />
      {kind !== 'none' && (
        <div class="pair">
          <Minutes
            label={t('rules.minutes')}
            seconds={span_s}
            onChange={(seconds) => turn({ span_s: seconds })}
          />
          {kind === 'rate' && (
            <Field
              label={t('rules.count')}
              type="number"
              min={2}
              max={1000}
              required
              value={count}
              onInput={(event: Event) => turn({ count: Number(typed(event)) })}
            />
          )}
        </div>
      )}
      <div class="pair">
        {keys.length > 1 && (
          <Select
            label={t('rules.key')}
            value={draft.key || (keys[0] ?? '')}
            options={coded('ruleKey', keys)}
            onChange={(key) => set({ key })}
          />
        )}
        <Minutes
          label={t('rules.pause')}
          hint={t('rules.pauseHint')}
          least={0}
          seconds={draft.pauseS}
          onChange={(pauseS) => set({ pauseS })}
        />
      </div>
    </>
  );
}

interface MinutesProps {
  label: string;
  hint?: string;
  least?: number;
  seconds: number;
  onChange: (seconds: number) => void;
}

function Minutes({ label, hint, least = 1 / MINUTE_S, seconds, onChange }: MinutesProps) {
  return (
    <Field
      label={label}
      {...(hint && { hint })}
      type="number"
      min={least}
      step="any"
      required
      value={Number((seconds / MINUTE_S).toFixed(2))}
      onChange={(event: Event) => onChange(Math.round(Number(typed(event)) * MINUTE_S))}
    />
  );
}
