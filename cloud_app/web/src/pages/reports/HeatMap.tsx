import type { HeatCell } from '../../api/types';
import { Scroller } from '../../components/Form';
import { t } from '../../i18n';
import { percent } from '../../i18n/format';
import { fullStep, observedText, weekdayText } from './reports';

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
const WEEKDAYS = [0, 1, 2, 3, 4, 5, 6];

/** How full it was at each hour of the week: a table whose cells have colours. */
export function HeatMap({ cells }: { cells: readonly HeatCell[] }) {
  const at = new Map(cells.map((cell) => [cell.weekday * 24 + cell.hour, cell.occupancy]));
  return (
    <Scroller>
      <table class="heat num">
        <caption class="sr-only">{t('reports.heat')}</caption>
        <thead>
          <tr>
            <td />
            {HOURS.map((hour) => (
              <th key={hour} scope="col">
                {hour}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {WEEKDAYS.map((weekday) => (
            <tr key={weekday}>
              <th scope="row">{weekdayText(weekday)}</th>
              {HOURS.map((hour) => {
                const figure = at.get(weekday * 24 + hour);
                if (!figure || figure.value === null) {
                  return (
                    <td key={hour} data-full="none" title={t('reports.notObserved')}>
                      –
                    </td>
                  );
                }
                const { value, mark } = figure;
                return (
                  <td
                    key={hour}
                    data-full={fullStep(value)}
                    data-mark={mark}
                    title={`${weekdayText(weekday)} ${hour}:00: ${percent(value)}, ${observedText(figure)}`}
                  >
                    {Math.round(value * 100)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroller>
  );
}
