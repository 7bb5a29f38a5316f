/**
 * Say what is known of a thing.
 *
 * Only what somebody touched is sent. If somebody else saved meanwhile, what they changed elsewhere
 * comes into the form; where both changed the same fact, both are shown.
 */

import { useState } from 'preact/hooks';
import { ApiError } from '../../api/client';
import { toast } from '../../app/toasts';
import { Button } from '../../components/Button';
import { Conflict } from '../../components/Conflict';
import { Field, Select } from '../../components/Field';
import { TextArea } from '../../components/Form';
import { t, word } from '../../i18n';
import { FIELDS, type Kind, parsed, shown, type Thing, TypedError, textOf, type Value } from './fields';
import { PlaceMap } from './PlaceMap';
import { amend, faultsOf } from './registry';

interface Props {
  kind: Kind;
  thing: Thing;
  onSaved: (now: Thing) => void;
  onCancel: () => void;
}

export function ThingForm({ kind, thing, onSaved, onCancel }: Props) {
  const [base, setBase] = useState(thing);
  const [touched, setTouched] = useState<Readonly<Record<string, string>>>({});
  const [faults, setFaults] = useState<Readonly<Record<string, string>>>({});
  const [isStale, setStale] = useState(false);
  const fields = FIELDS[kind];
  const text = (name: string) => touched[name] ?? textOf(base.facts[name]);
  const set = (name: string, value: string) => setTouched({ ...touched, [name]: value });

  const save = async (event: Event) => {
    event.preventDefault();
    const given: Record<string, Value> = {};
    const wrong: Record<string, string> = {};
    for (const field of fields) {
      const typed = touched[field.name];
      if (typed === undefined || typed === textOf(base.facts[field.name])) continue;
      try {
        given[field.name] = parsed(field, typed);
      } catch (error) {
        if (!(error instanceof TypedError)) throw error;
        wrong[field.name] = error.message;
      }
    }
    setFaults(wrong);
    if (Object.keys(wrong).length) return;
    if (!Object.keys(given).length) return onSaved(base);
    try {
      const now = await amend(kind, base, given);
      toast(t('saved'), 'good');
      onSaved(now);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 412) {
        setBase(error.body as Thing);
        setStale(true);
      } else setFaults(faultsOf(error));
    }
  };

  const differences = fields.flatMap(({ name }) => {
    const theirs = textOf(base.facts[name]);
    const mine = touched[name];
    if (mine === undefined || mine === theirs) return [];
    return [{ label: word('field', name), mine, theirs: theirs && shown(name, base.facts[name]) }];
  });
  const hasMap = fields.some(({ type }) => type === 'place');
  return (
    <form class="form" onSubmit={save}>
      {isStale && (
        <Conflict
          differences={differences}
          onTake={() => {
            setTouched({});
            setStale(false);
          }}
        />
      )}
      {hasMap && (
        <PlaceMap
          place={text('location')}
          outline={fields.some(({ name }) => name === 'outline') ? text('outline') : null}
          onPlace={(value) => set('location', value)}
          onOutline={(value) => set('outline', value)}
        />
      )}
      <div class="fact-fields">
        {fields.map(({ name, type, options = [] }) => {
          const shared = { label: word('field', name), fault: faults[name] ?? null };
          if (type === 'choice') {
            return (
              <Select
                key={name}
                label={shared.label}
                value={text(name)}
                options={[
                  { value: '', label: '–' },
                  ...options.map((value) => ({ value, label: word(`fact.${name}`, value) })),
                ]}
                onChange={(value) => set(name, value)}
              />
            );
          }
          if (type === 'outline') {
            return (
              <div key={name} class="wide">
                <TextArea
                  {...shared}
                  hint={t('registry.outlineHint')}
                  value={text(name)}
                  onChange={(value) => set(name, value)}
                />
              </div>
            );
          }
          const hint = HINTS[name];
          return (
            <Field
              key={name}
              {...shared}
              {...(hint && { hint: t(hint) })}
              inputmode={type === 'number' ? 'decimal' : undefined}
              value={text(name)}
              onInput={(event: Event) => set(name, (event.currentTarget as HTMLInputElement).value)}
            />
          );
        })}
      </div>
      {Object.entries(faults)
        .filter(([name]) => !fields.some((field) => field.name === name))
        .map(([name, fault]) => (
          <p key={name} class="banner rounded bad" role="alert">
            {fault}
          </p>
        ))}
      <footer>
        <Button onClick={onCancel}>{t('action.cancel')}</Button>
        <Button type="submit" tone="primary">
          {t('action.save')}
        </Button>
      </footer>
    </form>
  );
}

const HINTS: Record<
  string,
  'registry.levelsHint' | 'registry.hoursHint' | 'registry.placeHint' | 'registry.zoneHint'
> = {
  levels: 'registry.levelsHint',
  opening_hours: 'registry.hoursHint',
  location: 'registry.placeHint',
  time_zone: 'registry.zoneHint',
};
