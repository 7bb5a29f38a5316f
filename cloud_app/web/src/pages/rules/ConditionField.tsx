/** The condition: checked while it is typed, with the names that it may use. */

import { CircleAlert, CircleCheck } from 'lucide-preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { ConditionFault, RuleTrigger, TriggerInfo } from '../../api/types';
import { t } from '../../i18n';
import { offsetOf } from './rules';

interface Props {
  when: string;
  trigger: RuleTrigger;
  info: TriggerInfo | undefined;
  onChange: (when: string) => void;
}

const PAUSE_MS = 300;

export function ConditionField({ when, trigger, info, onChange }: Props) {
  const id = useId();
  const field = useRef<HTMLTextAreaElement>(null);
  const faults = useFaults(when, trigger);
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
      <label for={id}>{t('rules.when')}</label>
      <textarea
        id={id}
        ref={field}
        class="input code"
        rows={3}
        spellcheck={false}
        required
        value={when}
        aria-invalid={!!faults?.length}
        aria-describedby={`${id}-told`}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
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
      <details class="rule-help">
        <summary>{t('rules.names')}</summary>
        <p class="hint">{t('rules.namesHint')}</p>
        <dl>
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
    </div>
  );
}

/** What is wrong with a condition; undefined until it was looked at. */
function useFaults(when: string, trigger: RuleTrigger): readonly ConditionFault[] | undefined {
  const [faults, setFaults] = useState<readonly ConditionFault[]>();
  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const params = { query: { when, trigger } };
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
  }, [when, trigger]);
  return faults;
}
