import { Camera } from 'lucide-preact';
import { t } from '../../i18n';
import { grouped, type LotBay, middle, type Point } from './bays';
import type { PlanProps } from './PlanView';

const [WIDE, HIGH] = [1600, 900];

/** Bays as a camera sees them: of these lots only the geometry of the picture is known. */
export function PicturePlan({ bays, selected, onPick }: PlanProps) {
  const cameras = grouped(
    bays.filter(({ picture }) => picture),
    ({ camera }) => camera,
  );
  return (
    <div class="pictures">
      {cameras.map(([camera, seen]) => (
        <figure key={camera} class="picture">
          <figcaption>
            <Camera size={14} aria-hidden="true" /> {camera}
          </figcaption>
          <svg viewBox={windowOf(seen)}>
            <title>{t('lot.pictureOf', { camera })}</title>
            <defs>
              <pattern
                id="hatch"
                width="14"
                height="14"
                patternUnits="userSpaceOnUse"
                patternTransform="rotate(45)"
              >
                <path d="M0 0V14" class="hatch" />
              </pattern>
            </defs>
            {seen.map((bay) => (
              <Shape key={bay.key} bay={bay} isSelected={bay.key === selected} onPick={onPick} />
            ))}
          </svg>
        </figure>
      ))}
    </div>
  );
}

const MARGIN = 60;

/** The part of the picture that has bays. */
function windowOf(bays: readonly LotBay[]): string {
  const corners = bays.flatMap(({ picture }) => picture ?? []).map(scaled);
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  const [left, top] = [Math.min(...xs) - MARGIN, Math.min(...ys) - MARGIN];
  return [left, top, Math.max(...xs) + MARGIN - left, Math.max(...ys) + MARGIN - top]
    .map(Math.round)
    .join(' ');
}

const scaled = ([x, y]: Point): Point => [x * WIDE, y * HIGH];

function Shape({
  bay,
  isSelected,
  onPick,
}: {
  bay: LotBay;
  isSelected: boolean;
  onPick: (key: string) => void;
}) {
  const corners = (bay.picture ?? []).map(scaled);
  const [x, y] = middle(corners);
  const pick = () => onPick(bay.key);
  return (
    // biome-ignore lint/a11y/useSemanticElements: SVG has no button
    <g
      class={`shape ${bay.state}`}
      role="button"
      tabIndex={0}
      aria-pressed={isSelected}
      aria-label={`${bay.label}: ${t(`bay.${bay.state}`)}`}
      onClick={pick}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        pick();
      }}
    >
      <polygon
        points={corners.map((corner) => corner.map((value) => value.toFixed(1)).join(',')).join(' ')}
      />
      <text x={x} y={y}>
        {bay.label}
      </text>
    </g>
  );
}
