/** How many bays are free, and how full a lot is: as numbers, bars and colours. */

import type { Bay, Counts } from '../api/types';
import { t } from '../i18n';
import { count, percent } from '../i18n/format';

export const STATES = ['occupied', 'free', 'unknown', 'stale', 'closed'] as const;
export type BayState = (typeof STATES)[number];

/** What a page shows of a bay: closed before stale before what its source said. */
export function stateOf(bay: Pick<Bay, 'closed' | 'stale' | 'state'>): BayState {
  if (bay.closed) return 'closed';
  return bay.stale ? 'stale' : bay.state;
}

/** Bounds of the scale, as shares of known bays that are occupied. */
export const FULL_FROM = [0, 0.5, 0.75, 0.9, 0.98] as const;

/** The step of the scale that an occupancy is in; null where it is not known. */
export function fullness(occupancy: number | null): number | null {
  if (occupancy === null) return null;
  return FULL_FROM.findLastIndex((from) => occupancy >= from);
}

export const Dot = ({ state }: { state: BayState }) => <i class={`dot ${state}`} aria-hidden="true" />;

export function StateWord({ state }: { state: BayState }) {
  return (
    <span class="row nowrap">
      <Dot state={state} />
      <span class="word">{t(`bay.${state}`)}</span>
    </span>
  );
}

export function Meter({ counts }: { counts: Pick<Counts, BayState> }) {
  const shown = STATES.filter((state) => counts[state] > 0);
  const label = shown.map((state) => `${counts[state]} ${t(`bay.${state}`)}`).join(', ');
  return (
    <div class="meter" role="img" aria-label={label || t('bay.none')}>
      {shown.map((state) => (
        <i key={state} class={state} style={{ flex: `${counts[state]} 0 0` }} />
      ))}
    </div>
  );
}

export function Legend({ counts }: { counts: Pick<Counts, BayState> }) {
  return (
    <div class="legend num">
      {STATES.filter((state) => counts[state] > 0 || state === 'free' || state === 'occupied').map(
        (state) => (
          <span key={state}>
            <Dot state={state} />
            {count(counts[state])} {t(`bay.${state}`)}
          </span>
        ),
      )}
    </div>
  );
}

/** A lot's occupancy on its colour; the number says it too. */
export function Occupancy({ share }: { share: number | null }) {
  const step = fullness(share);
  return (
    <span
      class="swatch"
      data-full={step ?? 'none'}
      title={share === null ? t('lot.occupancyUnknown') : t('lot.occupied', { share: percent(share) })}
    >
      {share === null ? '–' : percent(share)}
    </span>
  );
}

interface FigureProps {
  label: string;
  value: string | number;
  state?: BayState;
  of?: string;
}

export function Figure({ label, value, state, of }: FigureProps) {
  return (
    <dl class="figure">
      <dt>
        {state && <Dot state={state} />}
        <span class="word">{label}</span>
      </dt>
      <dd>
        {typeof value === 'number' ? count(value) : value}
        {of && <small> {of}</small>}
      </dd>
    </dl>
  );
}
