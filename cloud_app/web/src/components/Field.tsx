import type { JSX } from 'preact';
import { useId, useState } from 'preact/hooks';

interface FieldProps extends Omit<JSX.HTMLAttributes<HTMLInputElement>, 'label'> {
  label: string;
  hint?: string;
  fault?: string | null;
  [more: string]: unknown;
}

/** What is typed in the field of an event. */
export const typed = (event: Event) => (event.currentTarget as HTMLInputElement).value;

/**
 * A labelled input, with a hint and what is wrong with it.
 *
 * With `onChange` alone it keeps what is typed until it is left: it would be lost with the next
 * rendering, which fresh data may bring at any time.
 */
export function Field({ label, hint, fault, ...given }: FieldProps) {
  const id = useId();
  const rest = useTyped(given);
  const told = [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input id={id} class="input" aria-invalid={!!fault} aria-describedby={told || undefined} {...rest} />
      {hint && (
        <span id={`${id}-hint`} class="hint">
          {hint}
        </span>
      )}
      {fault && (
        <span id={`${id}-fault`} class="fault" role="alert">
          {fault}
        </span>
      )}
    </div>
  );
}

function useTyped(given: Record<string, unknown>): Record<string, unknown> {
  const [text, setText] = useState<string>();
  const { value, onInput, onChange } = given;
  if (onInput || typeof onChange !== 'function') return given;
  return {
    ...given,
    value: text ?? value,
    onInput: (event: Event) => setText(typed(event)),
    onChange: (event: Event) => {
      onChange(event);
      setText(undefined);
    },
  };
}

interface SelectProps {
  label: string;
  value: string;
  options: readonly { value: string; label: string }[];
  onChange: (value: string) => void;
  /** Only for screen readers: the first option says it. */
  hideLabel?: boolean;
}

export function Select({ label, value, options, onChange, hideLabel }: SelectProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id} class={hideLabel ? 'sr-only' : ''}>
        {label}
      </label>
      <select id={id} class="input" value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}

interface SegmentsProps<T extends string> {
  label: string;
  value: T;
  options: readonly { value: T; label: string }[];
  onChange: (value: T) => void;
}

/** A few choices of which one holds. */
export function Segments<T extends string>({ label, value, options, onChange }: SegmentsProps<T>) {
  return (
    <fieldset class="segments" aria-label={label}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          onClick={() => onChange(option.value)}
        >
          {option.label}
        </button>
      ))}
    </fieldset>
  );
}
