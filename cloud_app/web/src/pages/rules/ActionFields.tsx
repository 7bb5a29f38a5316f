/** What a rule does: any number of actions. */

import { Plus, X } from 'lucide-preact';
import { Button, IconButton } from '../../components/Button';
import { Field, Select, typed } from '../../components/Field';
import { Check } from '../../components/Form';
import { t, word } from '../../i18n';
import { SEVERITIES } from '../alerts/alerts';
import { ACTION_KINDS, type ActionDraft, type ActionKind, emptyAction } from './rules';

interface Props {
  actions: readonly ActionDraft[];
  onChange: (actions: ActionDraft[]) => void;
}

const ACTIONS_MAX = 8;

export function ActionFields({ actions, onChange }: Props) {
  const set = (at: number, change: Partial<ActionDraft>) =>
    onChange(actions.map((each, i) => (i === at ? { ...each, ...change } : each)));
  return (
    <fieldset class="rule-actions">
      <legend>{t('rules.does')}</legend>
      {actions.map((action, i) => (
        <div key={i} class="rule-action">
          <div class="row">
            <Select
              label={t('rules.action', { n: i + 1 })}
              hideLabel
              value={action.kind}
              options={ACTION_KINDS.map((value) => ({ value, label: word('ruleAction', value) }))}
              onChange={(kind) => set(i, { kind: kind as ActionKind })}
            />
            {actions.length > 1 && (
              <IconButton
                label={t('rules.dropAction', { n: i + 1 })}
                icon={X}
                quiet
                onClick={() => onChange(actions.filter((_, at) => at !== i))}
              />
            )}
          </div>
          <Fields action={action} set={(change) => set(i, change)} />
        </div>
      ))}
      {actions.length < ACTIONS_MAX && (
        <Button size="small" icon={Plus} onClick={() => onChange([...actions, emptyAction('mail')])}>
          {t('rules.addAction')}
        </Button>
      )}
    </fieldset>
  );
}

interface FieldsProps {
  action: ActionDraft;
  set: (change: Partial<ActionDraft>) => void;
}

function Fields({ action, set }: FieldsProps) {
  const text = (
    <Field
      label={t('rules.text')}
      hint={t('rules.textHint')}
      required
      maxLength={1000}
      value={action.text}
      onInput={(event: Event) => set({ text: typed(event) })}
    />
  );
  const topic = (hint: string) => (
    <Field
      label={t('rules.topic')}
      hint={hint}
      required
      value={action.topic}
      onInput={(event: Event) => set({ topic: typed(event) })}
    />
  );
  switch (action.kind) {
    case 'alert':
      return (
        <>
          <Select
            label={t('alerts.severity')}
            value={action.severity}
            options={SEVERITIES.map((value) => ({ value, label: word('severity', value) }))}
            onChange={(severity) => set({ severity: severity as ActionDraft['severity'] })}
          />
          {text}
          <Check
            label={t('rules.momentary')}
            checked={action.momentary}
            onChange={(momentary) => set({ momentary })}
          />
        </>
      );
    case 'mail':
      return (
        <>
          <Field
            label={t('login.email')}
            type="email"
            required
            value={action.address}
            onInput={(event: Event) => set({ address: typed(event) })}
          />
          {text}
        </>
      );
    case 'webhook':
      return (
        <>
          <Field
            label={t('notifications.url')}
            type="url"
            required
            placeholder="https://"
            value={action.url}
            onInput={(event: Event) => set({ url: typed(event) })}
          />
          <Field
            label={t('notifications.secret')}
            hint={t(action.isSigned ? 'notifications.secretKept' : 'notifications.secretHint')}
            type="password"
            autocomplete="off"
            value={action.secret}
            onInput={(event: Event) => set({ secret: typed(event) })}
          />
        </>
      );
    case 'mqtt':
      return (
        <>
          {topic(t('rules.mqttHint'))}
          <Check label={t('rules.retain')} checked={action.retain} onChange={(retain) => set({ retain })} />
        </>
      );
    case 'kafka':
      return topic(t('rules.kafkaHint'));
    default:
      return <p class="hint">{t(action.kind === 'lake' ? 'rules.lakeHint' : 'rules.tableHint')}</p>;
  }
}
