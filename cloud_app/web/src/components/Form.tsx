/** What forms need beside `Field` and `Select`. */

import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { word } from '../i18n';
import './form.css';

interface TextAreaProps {
  label: string;
  value: string;
  onChange: (text: string) => void;
  hint?: string;
  rows?: number;
  maxLength?: number;
  fault?: string | null;
}

export function TextArea({ label, value, onChange, hint, rows = 3, maxLength, fault }: TextAreaProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        class="input"
        rows={rows}
        maxLength={maxLength}
        value={value}
        aria-invalid={!!fault}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
      {hint && <span class="hint">{hint}</span>}
      {fault && (
        <span class="fault" role="alert">
          {fault}
        </span>
      )}
    </div>
  );
}

interface CheckProps {
  label: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
  hint?: string;
}

export function Check({ label, checked, onChange, hint }: CheckProps) {
  return (
    <label class="check">
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>
        {label}
        {hint && <span class="hint">{hint}</span>}
      </span>
    </label>
  );
}

/** Choices of codes, in the reader's words. */
export const coded = (group: string, codes: readonly string[]) =>
  codes.map((value) => ({ value, label: word(group, value) }));

interface ChecksProps {
  label: string;
  hint?: string;
  values: readonly string[];
  options: readonly { value: string; label: string }[];
  onChange: (values: string[]) => void;
}

/** Any number of choices. */
export function Checks({ label, hint, values, options, onChange }: ChecksProps) {
  const toggle = (value: string) =>
    onChange(values.includes(value) ? values.filter((each) => each !== value) : [...values, value]);
  return (
    <fieldset class="checks">
      <legend>{label}</legend>
      {hint && <p class="hint">{hint}</p>}
      <div>
        {options.map(({ value, label: text }) => (
          <label key={value} class="chip">
            <input type="checkbox" checked={values.includes(value)} onChange={() => toggle(value)} />
            {text}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export type Fact = readonly [head: string, value: ComponentChildren];

/** Names and values; what has no value is left out. */
export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl class="facts">
      {facts.map(
        ([head, value]) =>
          value !== null &&
          value !== undefined &&
          value !== '' &&
          value !== false && [<dt key={head}>{head}</dt>, <dd key={`${head} value`}>{value}</dd>],
      )}
    </dl>
  );
}

/** What may be wider than the screen; by keyboard it is scrolled once it has the focus. */
export function Scroller({ children }: { children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: only so can it be scrolled by keyboard
    <div class="scroller" tabIndex={0}>
      {children}
    </div>
  );
}

/** What somebody typed is in the way of what somebody else saved; both are told. */
export function Stale({ text, children }: { text: string; children?: ComponentChildren }) {
  return (
    <div class="stale" role="alert">
      <p class="strong">{text}</p>
      {children}
    </div>
  );
}
