/** Bars: how full each day was, how long vehicles stayed. */

import type { DayFigure } from '../../api/types';
import { t } from '../../i18n';
import { count, percent, span } from '../../i18n/format';
import { dateText, observedText, shareText } from './reports';

export function DayBars({ days }: { days: readonly DayFigure[] }) {
  const known = days.filter(({ occupancy }) => occupancy.value !== null);
  const most = known.reduce<DayFigure | undefined>(
    (best, each) => ((each.occupancy.value ?? 0) > (best?.occupancy.value ?? -1) ? each : best),
    undefined,
  );
  const told = most
    ? t('reports.fullestDay', { day: dateText(most.day), share: shareText(most.occupancy) })
    : t('reports.notObserved');
  return (
    <div>
      <div class="day-bars" role="img" aria-label={`${t('reports.days')}. ${told}`}>
        {days.map(({ day, occupancy }) => (
          <span
            key={day}
            data-mark={occupancy.mark}
            style={{ height: `${Math.max(1, (occupancy.value ?? 0) * 100)}%` }}
            title={`${dateText(day)}: ${shareText(occupancy)}, ${observedText(occupancy)}`}
          />
        ))}
      </div>
      <p class="row between small soft num">
        <span>{dateText(days[0]?.day ?? '')}</span>
        <span>{told}</span>
        <span>{dateText(days.at(-1)?.day ?? '')}</span>
      </p>
    </div>
  );
}

interface LengthBarsProps {
  counts: readonly number[];
  boundsMin: readonly number[];
}

export function LengthBars({ counts, boundsMin }: LengthBarsProps) {
  const whole = counts.reduce((sum, each) => sum + each, 0);
  const most = Math.max(1, ...counts);
  return (
    <table class="length-bars num">
      <caption class="sr-only">{t('reports.lengths')}</caption>
      <tbody>
        {counts.map((each, place) => (
          <tr key={boundsMin[place]}>
            <th scope="row">{classText(boundsMin, place)}</th>
            <td class="length">
              <span style={{ width: `${(each / most) * 100}%` }} />
            </td>
            <td class="end">{count(each)}</td>
            <td class="end soft">{percent(whole ? each / whole : 0)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function classText(bounds: readonly number[], place: number): string {
  const low = (bounds[place] ?? 0) * 60;
  const high = bounds[place + 1];
  if (high === undefined) return t('reports.longer', { span: span(low) });
  return low ? `${span(low)} – ${span(high * 60)}` : t('reports.shorter', { span: span(high * 60) });
}
