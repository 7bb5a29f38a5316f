/** The condition: checked while it is typed, with the names that it may use. */

import { CircleAlert, CircleCheck } from 'lucide-preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { ConditionFault, RuleTrigger, TriggerInfo } from '../../api/types';
import { t } from '../../i18n';
import { type Limits, offsetOf } from './rules';

interface Props {
  /** Which condition; the usual one if absent. */
  label?: string;
  hint?: string;
  isOptional?: boolean;
  limits: Limits;
  when: string;
  trigger: RuleTrigger;
  info: TriggerInfo | undefined;
  onChange: (when: string) => void;
}

const PAUSE_MS = 300;

export function ConditionField({
  label,
  hint,
  isOptional = false,
  limits,
  when,
  trigger,
  info,
  onChange,
}: Props) {
  const id = useId();
  const field = useRef<HTMLTextAreaElement>(null);
  const faults = useFaults(when, trigger, limits, isOptional);
  const goTo = ({ line, column }: ConditionFault) => {
    const at = offsetOf(when, line, column);
    field.current?.focus();
    field.current?.setSelectionRange(at, at + 1);
  };
  const insert = (name: string) => {
    const { selectionStart: from, selectionEnd: to } = field.current ?? {
      selectionStart: 0,
      selectionEnd: 0,
    };
    onChange(when.slice(0, from) + name + when.slice(to));
    field.current?.focus();
  };
  return (
    <div class="field">
      <label for={id}>{label ?? t('rules.when')}</label>
      <textarea
        id={id}
        ref={field}
        class="input code"
        rows={3}
        spellcheck={false}
        required={!isOptional}
        value={when}
        aria-invalid={!!faults?.length}
        aria-describedby={`${id}-told`}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
      {hint && <small class="hint">{hint}</small>}
      <div id={`${id}-told`} class="rule-told" aria-live="polite">
        {faults?.length === 0 && (
          <span class="good">
            <CircleCheck size={14} aria-hidden="true" /> {t('rules.conditionGood')}
          </span>
        )}
        {faults?.map((fault) => (
          <button
            type="button"
            key={`${fault.line} ${fault.column} ${fault.message}`}
            class="rule-fault"
            onClick={() => goTo(fault)}
          >
            <CircleAlert size={14} aria-hidden="true" />
            {t('rules.place', { line: fault.line, column: fault.column })}: {fault.message}
          </button>
        ))}
      </div>
      {!isOptional && (
        <details class="rule-help">
          <summary>{t('rules.names')}</summary>
          <p class="hint">{t('rules.namesHint')}</p>
          <dl>
            {Object.keys(limits).map((name) => (
              <div key={name}>
                <dt>
                  <button type="button" class="rule-name" onClick={() => insert(`limit.${name}`)}>
                    limit.{name}
                  </button>
                </dt>
                <dd>{t('rules.limitName')}</dd>
              </div>
            ))}
            {info?.variables.map(({ name, type, help }) => (
              <div key={name}>
                <dt>
                  <button type="button" class="rule-name" onClick={() => insert(name)}>
                    {name}
                  </button>
                  <span class="sub">{type}</span>
                </dt>
                <dd>{help}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </div>
  );
}

/** What is wrong with a condition; undefined until it was looked at. */
function useFaults(
  when: string,
  trigger: RuleTrigger,
  limits: Limits,
  isOptional: boolean,
): readonly ConditionFault[] | undefined {
  const named = Object.entries(limits);
  const lists = named.filter(([, value]) => Array.isArray(value)).map(([name]) => name);
  const numbers = named.map(([name]) => name).filter((name) => !lists.includes(name));
  const names = `${numbers.join(' ')};${lists.join(' ')}`;
  const [faults, setFaults] = useState<readonly ConditionFault[]>();
  useEffect(() => {
    if (isOptional && !when.trim()) {
      setFaults(undefined);
      return;
    }
    const stop = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const params = { query: { when, trigger, numbers, lists } };
        const told = await ask(api.GET('/api/v1/rules/check', { params, signal: stop.signal }));
        if (!stop.signal.aborted) setFaults(told.faults);
      } catch {
        // Saving will tell; an old answer would mislead.
        if (!stop.signal.aborted) setFaults(undefined);
      }
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [when, trigger, names, isOptional]);
  return faults;
}
