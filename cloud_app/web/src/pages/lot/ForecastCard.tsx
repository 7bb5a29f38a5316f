import { api, ask } from '../../api/client';
import type { LotForecast } from '../../api/types';
import { useData } from '../../api/useData';
import { Card } from '../../components/Card';
import { Loaded } from '../../components/states';
import { At } from '../../components/Time';
import { t } from '../../i18n';
import { count } from '../../i18n/format';
import { nearest } from './forecast';

const FIVE_MINUTES_S = 300;
const HOURS = 24;

/** How many bays will likely be free in the next hours. */
export function ForecastCard({ site, lot, zone }: { site: string; lot: string; zone: string | null }) {
  const forecast = useData<LotForecast>(
    `forecast ${site}/${lot}`,
    (signal) =>
      ask(
        api.GET('/api/v1/lots/{site}/{lot}/forecast', {
          params: { path: { site, lot }, query: { hours: HOURS } },
          signal,
        }),
      ),
    { everyS: FIVE_MINUTES_S },
  );
  return (
    <Card title={t('forecast.title')} flush>
      <Loaded of={forecast}>{(found) => <Rows forecast={found} zone={zone} />}</Loaded>
    </Card>
  );
}

function Rows({ forecast, zone }: { forecast: LotForecast; zone: string | null }) {
  if (forecast.reason !== null) return <p class="body soft">{t('forecast.none')}</p>;
  return (
    <div class="scroll">
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">{t('forecast.at')}</th>
            <th scope="col" class="end">
              {t('forecast.free')}
            </th>
            <th scope="col" class="end">
              {t('forecast.range')}
            </th>
          </tr>
        </thead>
        <tbody>
          {nearest(forecast.points, Date.now()).map((point) => (
            <tr key={point.at}>
              <th scope="row">
                <At at={point.at} zone={zone} />
              </th>
              <td class="end num strong">{count(Math.round(point.free))}</td>
              <td class="end num">
                {t('forecast.between', {
                  low: count(Math.round(point.free_low)),
                  high: count(Math.round(point.free_high)),
                })}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="small soft note">{t('forecast.note', { n: count(forecast.bays) })}</p>
    </div>
  );
}
