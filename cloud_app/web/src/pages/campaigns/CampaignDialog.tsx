/** Make a campaign: what, to which boxes, how carefully. It does nothing until it is started. */

import { useState } from 'preact/hooks';
import { ApiError, api, ask } from '../../api/client';
import type { Campaign, Edge } from '../../api/types';
import { useData } from '../../api/useData';
import { Button } from '../../components/Button';
import { Dialog } from '../../components/Dialog';
import { Field, Select } from '../../components/Field';
import { Checks, TextArea } from '../../components/Form';
import { faultText, Loaded } from '../../components/states';
import { t, tn, word } from '../../i18n';
import { filesOf, settingsOf } from './campaigns';

const KINDS = ['model', 'calibration', 'software', 'config'] as const;

interface Draft {
  name: string;
  kind: (typeof KINDS)[number];
  target: string;
  companions: string;
  version: string;
  formerTarget: string;
  formerCompanions: string;
  formerVersion: string;
  settings: string;
  formerSettings: string;
  camera: string;
  canaries: string;
  batch: string;
  failures: string;
  soakMin: string;
}

const EMPTY: Draft = {
  name: '',
  kind: 'model',
  target: '',
  companions: '',
  version: '',
  formerTarget: '',
  formerCompanions: '',
  formerVersion: '',
  settings: '',
  formerSettings: '',
  camera: '',
  canaries: '1',
  batch: '10',
  failures: '2',
  soakMin: '10',
};

export function CampaignDialog(props: { onClose: () => void; onMade: (made: Campaign) => void }) {
  const edges = useData<readonly Edge[]>('edges', (signal) => ask(api.GET('/api/v1/edges', { signal })));
  const [draft, setDraft] = useState(EMPTY);
  const [chosen, setChosen] = useState<string[]>([]);
  const [part, setPart] = useState('');
  const [fault, setFault] = useState<string>();
  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change });

  const make = async (event: Event) => {
    event.preventDefault();
    try {
      props.onMade(await ask(api.POST('/api/v1/campaigns', { body: bodyOf(draft, chosen) })));
    } catch (error) {
      setFault(
        error instanceof SyntaxError
          ? t('campaigns.notJson')
          : error instanceof ApiError
            ? faultText(error)
            : String(error),
      );
    }
  };
  const text = (key: keyof Draft, label: string, more: Record<string, unknown> = {}) => (
    <Field
      label={label}
      value={draft[key]}
      onInput={(event: Event) => set({ [key]: (event.currentTarget as HTMLInputElement).value })}
      {...more}
    />
  );
  const number = (key: keyof Draft, label: string, hint?: string) =>
    text(key, label, { type: 'number', min: key === 'soakMin' ? 0 : 1, required: true, hint });
  return (
    <Dialog title={t('campaigns.new')} onClose={props.onClose}>
      <form class="form" onSubmit={make}>
        {text('name', t('settings.name'), { required: true, maxLength: 120 })}
        <Select
          label={t('campaigns.what')}
          value={draft.kind}
          options={KINDS.map((value) => ({
            value,
            label: word('jobKind', value),
          }))}
          onChange={(kind) => set({ kind: kind as Draft['kind'] })}
        />
        {draft.kind === 'calibration' && text('camera', t('campaigns.camera'))}
        {draft.kind === 'config' ? (
          <TextArea
            label={t('campaigns.settings')}
            hint={t('campaigns.settingsHint')}
            value={draft.settings}
            onChange={(settings) => set({ settings })}
          />
        ) : (
          text('target', t('campaigns.target'), { required: true, hint: t('campaigns.targetHint') })
        )}
        {hasCompanions(draft) &&
          text('companions', t('campaigns.companions'), { hint: t('campaigns.companionsHint') })}
        {text('version', t('campaigns.version'), {
          required: true,
          hint: draft.kind === 'software' ? t('campaigns.softwareHint') : undefined,
        })}
        <details>
          <summary>{t('campaigns.back')}</summary>
          <p class="hint">{t('campaigns.backHint')}</p>
          {draft.kind === 'config' ? (
            <TextArea
              label={t('campaigns.formerSettings')}
              value={draft.formerSettings}
              onChange={(formerSettings) => set({ formerSettings })}
            />
          ) : (
            text('formerTarget', t('campaigns.target'))
          )}
          {hasCompanions(draft) && text('formerCompanions', t('campaigns.companions'))}
          {text('formerVersion', t('campaigns.version'), { required: hasWayBack(draft) })}
        </details>
        <Field
          label={t('campaigns.findBoxes')}
          value={part}
          onInput={(event: Event) => setPart((event.currentTarget as HTMLInputElement).value)}
        />
        <Loaded of={edges}>
          {(found) => {
            const shown = found.filter(({ edge, site, software }) =>
              `${edge} ${site} ${software ?? ''}`.toLowerCase().includes(part.toLowerCase()),
            );
            return (
              <>
                <div class="row wrap">
                  <Button
                    onClick={() => setChosen([...new Set([...chosen, ...shown.map(({ edge }) => edge)])])}
                  >
                    {tn('campaigns.choose', shown.length)}
                  </Button>
                  <Button onClick={() => setChosen([])}>{t('campaigns.chooseNone')}</Button>
                </div>
                <div class="campaign-boxes">
                  <Checks
                    label={tn('campaigns.chosen', chosen.length)}
                    hint={t('campaigns.orderHint')}
                    values={chosen}
                    options={shown.map(({ edge, site }) => ({ value: edge, label: `${edge} · ${site}` }))}
                    onChange={setChosen}
                  />
                </div>
              </>
            );
          }}
        </Loaded>
        {number('canaries', t('campaigns.canaries'), t('campaigns.canariesHint'))}
        {number('batch', t('campaigns.batchSize'))}
        {number('soakMin', t('campaigns.soak'))}
        {number('failures', t('campaigns.failures'))}
        {fault && (
          <p class="banner rounded bad" role="alert">
            {fault}
          </p>
        )}
        <footer>
          <Button onClick={props.onClose}>{t('action.cancel')}</Button>
          <Button type="submit" tone="primary" disabled={!chosen.length}>
            {t('campaigns.make')}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}

function hasCompanions({ kind }: Draft): boolean {
  return kind === 'model' || kind === 'calibration';
}

function hasWayBack(draft: Draft): boolean {
  return !!(draft.kind === 'config' ? draft.formerSettings : draft.formerTarget).trim();
}

function bodyOf(draft: Draft, edges: string[]) {
  const { kind, version, formerVersion } = draft;
  const of = (target: string, companions: string, settings: string) =>
    kind === 'config'
      ? { settings: settingsOf(settings) }
      : { target, companions: hasCompanions(draft) ? filesOf(companions) : [] };
  const payload = { ...of(draft.target, draft.companions, draft.settings), version };
  return {
    name: draft.name.trim(),
    kind,
    payload,
    edges,
    canaries: Number(draft.canaries),
    batch: Number(draft.batch),
    stop_after_failures: Number(draft.failures),
    attempts: 2,
    soak_s: Number(draft.soakMin) * 60,
    audit_drop: 0.02,
    ...(hasWayBack(draft) && {
      former: {
        ...of(draft.formerTarget, draft.formerCompanions, draft.formerSettings),
        version: formerVersion,
      },
    }),
    ...(kind === 'calibration' && draft.camera && { camera: draft.camera }),
  };
}
