/** Limits of a rule: numbers and lists with names, so that nobody changes a condition for one. */

import { Field, typed } from '../../components/Field';
import { t } from '../../i18n';
import type { Limits } from './rules';

interface Props {
  limits: Limits;
  onChange: (limits: Limits) => void;
}

export function LimitFields({ limits, onChange }: Props) {
  const named = Object.entries(limits);
  if (!named.length) return null;
  return (
    <fieldset class="rule-limits">
      <legend>{t('rules.limits')}</legend>
      {named.map(([name, value]) =>
        Array.isArray(value) ? (
          <Field
            key={name}
            label={name}
            hint={t('rules.limitList')}
            value={value.join(', ')}
            onChange={(event: Event) => onChange({ ...limits, [name]: words(typed(event)) })}
          />
        ) : (
          <Field
            key={name}
            label={name}
            {...(name.endsWith('_s') && { hint: t('rules.limitSeconds') })}
            type="number"
            step="any"
            required
            value={value}
            onChange={(event: Event) => onChange({ ...limits, [name]: Number(typed(event)) })}
          />
        ),
      )}
    </fieldset>
  );
}

const words = (text: string): string[] =>
  text
    .split(',')
    .map((word) => word.trim())
    .filter(Boolean);
