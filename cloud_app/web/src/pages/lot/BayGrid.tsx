import { Dot } from '../../components/counts';
import { t, word } from '../../i18n';
import { grouped, type LotBay, natural } from './bays';
import type { PlanProps } from './PlanView';

/** Bays as tiles by zone: also where nobody has said where they lie. */
export function BayGrid({ bays, selected, onPick }: PlanProps) {
  const zones = grouped(bays, ({ zone }) => zone);
  return (
    <div class="bay-grid">
      {zones.map(([zone, members]) => (
        <section key={zone} aria-label={zone || t('lot.noZone')}>
          {(zones.length > 1 || zone) && <h3>{zone ? t('lot.zoneOf', { zone }) : t('lot.noZone')}</h3>}
          <ul>
            {[...members]
              .sort((a, b) => natural(a.label, b.label))
              .map((bay) => (
                <li key={bay.key}>
                  <Tile bay={bay} isSelected={bay.key === selected} onPick={onPick} />
                </li>
              ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function Tile({
  bay,
  isSelected,
  onPick,
}: {
  bay: LotBay;
  isSelected: boolean;
  onPick: (key: string) => void;
}) {
  return (
    <button
      type="button"
      class={`tile ${bay.state}`}
      aria-pressed={isSelected}
      aria-label={`${bay.label}: ${t(`bay.${bay.state}`)}`}
      onClick={() => onPick(bay.key)}
    >
      <span class="num">{bay.label}</span>
      <Dot state={bay.state} />
      {bay.kind !== 'standard' && <small>{word('bayKind', bay.kind)}</small>}
    </button>
  );
}
