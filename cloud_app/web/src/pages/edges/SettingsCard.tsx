/** Settings of a box: a form made from the schema that the box publishes, with what it would change. */

import { SlidersHorizontal } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { ApiError, api, ask } from '../../api/client';
import type { BoxSettings } from '../../api/types';
import { useData } from '../../api/useData';
import { may } from '../../app/session';
import { toast, toastError } from '../../app/toasts';
import { Button } from '../../components/Button';
import { Card } from '../../components/Card';
import { Dialog } from '../../components/Dialog';
import { Field, Select } from '../../components/Field';
import { Check, Scroller, Stale } from '../../components/Form';
import { faultText, Loaded, Notice } from '../../components/states';
import { t, word } from '../../i18n';
import { bodyOf, type Change, changesOf, faultOf, groupsOf, type Setting, type SettingGroup } from './device';

const [QUICK_S, SLOW_S] = [3, 60];
const UNDER_WAY: readonly string[] = ['pending', 'trying'];

export function SettingsCard({ edge }: { edge: string }) {
  const [quick, setQuick] = useState(false);
  const [open, setOpen] = useState(false);
  const settings = useData<BoxSettings>(
    `settings ${edge}`,
    (signal) => ask(api.GET('/api/v1/edges/{edge}/settings', { params: { path: { edge } }, signal })),
    { everyS: quick ? QUICK_S : SLOW_S },
  );
  const now = settings.data && UNDER_WAY.includes(settings.data.state);
  if (now !== undefined && now !== quick) setQuick(now);
  const groups = settings.data ? groupsOf(settings.data.settings_schema, settings.data.values) : [];
  return (
    <Card
      title={t('device.settings')}
      tools={
        groups.length > 0 &&
        may('operate') && (
          <Button size="small" icon={SlidersHorizontal} onClick={() => setOpen(true)}>
            {t('device.change')}
          </Button>
        )
      }
    >
      <Loaded of={settings}>
        {(found) => (
          <div class="stack">
            <Outcome settings={found} />
            {groups.length ? (
              <Values groups={groups} />
            ) : (
              <Notice title={t('device.noSettings')}>
                <p>{t('device.noSettingsHint')}</p>
              </Notice>
            )}
            {open && (
              <SettingsForm
                settings={found}
                groups={groups}
                onClose={() => setOpen(false)}
                onSaved={() => {
                  setOpen(false);
                  settings.reload();
                }}
                reload={settings.reload}
              />
            )}
          </div>
        )}
      </Loaded>
    </Card>
  );
}

function Outcome({ settings: { state, reason } }: { settings: BoxSettings }) {
  if (state === 'none') return null;
  const tone = state === 'applied' ? 'good' : UNDER_WAY.includes(state) ? 'info' : 'bad';
  return (
    <div role="status" class={tone === 'bad' ? 'banner rounded bad' : 'row wrap'}>
      <span class={`badge ${tone}`}>{word('settingsState', state)}</span>
      <span>{reason || t(`device.hint.${state}`)}</span>
    </div>
  );
}

function Values({ groups }: { groups: readonly SettingGroup[] }) {
  return (
    <div class="setting-groups">
      {groups.map(({ name, title, settings }) => (
        <section key={name} aria-label={title}>
          <h3>{title}</h3>
          <dl class="facts">
            {settings.map((each) => [
              <dt key={each.path}>{each.title}</dt>,
              <dd key={`${each.path} value`} class="num">
                {shown(each, each.value)}
              </dd>,
            ])}
          </dl>
        </section>
      ))}
    </div>
  );
}

const shown = ({ kind }: Pick<Setting, 'kind'>, value: string) =>
  kind === 'boolean' ? t(value === 'true' ? 'device.on' : 'device.off') : value;

interface FormProps {
  settings: BoxSettings;
  groups: readonly SettingGroup[];
  onClose: () => void;
  onSaved: () => void;
  reload: () => void;
}

function SettingsForm({ settings, groups, onClose, onSaved, reload }: FormProps) {
  // What was read when the form was opened: what somebody else saves meanwhile is told, not mixed in.
  const [read, setRead] = useState({ version: settings.version, groups });
  const [edited, setEdited] = useState<Record<string, string>>({});
  const [isStale, setIsStale] = useState(false);
  const [asks, setAsks] = useState(false);
  const changes = changesOf(read.groups, edited);
  const all = read.groups.flatMap((group) => group.settings);
  const faulty = all.some((each) => faultOf(each, edited[each.path] ?? each.value) !== null);
  const save = async () => {
    const body = { settings: bodyOf(read.groups, edited), version: read.version };
    try {
      const params = { path: { edge: settings.edge } };
      await ask(api.PATCH('/api/v1/edges/{edge}/settings', { params, body }));
      toast(t('device.asked'), 'good');
      onSaved();
    } catch (error) {
      setAsks(false);
      if (error instanceof ApiError && error.status === 409) {
        setIsStale(true);
        reload();
      } else toastError(error instanceof ApiError ? faultText(error) : error);
    }
  };
  return (
    <Dialog title={t('device.changeSettings')} onClose={onClose}>
      {isStale && (
        <Stale text={t('device.stale')}>
          <Button
            size="small"
            onClick={() => {
              setRead({ version: settings.version, groups });
              setIsStale(false);
            }}
          >
            {t('device.readAgain')}
          </Button>
        </Stale>
      )}
      {asks ? (
        <Diff changes={changes} onBack={() => setAsks(false)} onSave={save} />
      ) : (
        <form
          class="stack"
          onSubmit={(event) => {
            event.preventDefault();
            setAsks(true);
          }}
        >
          {read.groups.map((group) => (
            <details key={group.name} class="setting-group">
              <summary>{group.title}</summary>
              <div class="stack">
                {group.settings.map((each) => (
                  <Input
                    key={each.path}
                    setting={each}
                    value={edited[each.path] ?? each.value}
                    onChange={(value) => setEdited({ ...edited, [each.path]: value })}
                  />
                ))}
              </div>
            </details>
          ))}
          <footer>
            <Button onClick={onClose}>{t('action.cancel')}</Button>
            <Button type="submit" tone="primary" disabled={!changes.length || faulty || isStale}>
              {t('device.review', { n: changes.length })}
            </Button>
          </footer>
        </form>
      )}
    </Dialog>
  );
}

function Input(props: { setting: Setting; value: string; onChange: (value: string) => void }) {
  const { setting, value, onChange } = props;
  const { kind, title, hint, min, max, options } = setting;
  if (kind === 'boolean') {
    return (
      <Check label={title} hint={hint} checked={value === 'true'} onChange={(on) => onChange(String(on))} />
    );
  }
  if (kind === 'choice') {
    const choices = options.map((each) => ({ value: each, label: each }));
    return <Select label={title} value={value} options={choices} onChange={onChange} />;
  }
  const fault = faultOf(setting, value);
  const range = `${min ?? '−∞'} … ${max ?? '∞'}`;
  return (
    <Field
      label={title}
      hint={hint || (kind === 'number' && (min !== null || max !== null) ? range : '')}
      value={value}
      inputMode={kind === 'number' ? 'decimal' : 'text'}
      fault={fault && t(`device.fault.${fault}`, { range })}
      onInput={(event: Event) => onChange((event.currentTarget as HTMLInputElement).value)}
    />
  );
}

function Diff(props: { changes: readonly Change[]; onBack: () => void; onSave: () => void }) {
  return (
    <div class="stack">
      <p>{t('device.diffHint')}</p>
      <Scroller>
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">{t('device.setting')}</th>
              <th scope="col">{t('device.before')}</th>
              <th scope="col">{t('device.after')}</th>
            </tr>
          </thead>
          <tbody>
            {props.changes.map(({ path, title, before, after }) => (
              <tr key={path}>
                <th scope="row">{title}</th>
                <td class="num soft">
                  <del>{before}</del>
                </td>
                <td class="num">
                  <ins>{after}</ins>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroller>
      <footer>
        <Button onClick={props.onBack}>{t('device.back')}</Button>
        <Button tone="primary" onClick={props.onSave}>
          {t('device.apply')}
        </Button>
      </footer>
    </div>
  );
}
