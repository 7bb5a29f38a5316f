import { useRef, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { HorizonAccuracy, LotForecast } from '../../api/types';
import { useData } from '../../api/useData';
import { Card } from '../../components/Card';
import { Select } from '../../components/Field';
import { Loaded } from '../../components/states';
import { At } from '../../components/Time';
import { t } from '../../i18n';
import { count, percent, span } from '../../i18n/format';
import { nearest } from './forecast';
import { LikelyFree } from './LikelyFree';

const FIVE_MINUTES_S = 300;
const HOURS = 24;

interface ForecastCardProps {
  site: string;
  lot: string;
  /** Time zone of the site. */
  zone: string | null;
  /** Of the lot's bays. */
  kinds: readonly string[];
}

/** How many bays of the lot, or of a zone of it, will likely be free in the next hours. */
export function ForecastCard({ site, lot, zone, kinds }: ForecastCardProps) {
  const [part, setPart] = useState('');
  const ofPart = part ? { zone: part } : {};
  const forecast = useData<LotForecast>(
    `forecast ${site}/${lot} ${part}`,
    (signal) =>
      ask(
        api.GET('/api/v1/lots/{site}/{lot}/forecast', {
          params: { path: { site, lot }, query: { hours: HOURS, ...ofPart } },
          signal,
        }),
      ),
    { everyS: FIVE_MINUTES_S },
  );
  const accuracy = useData<readonly HorizonAccuracy[]>(`accuracy ${site}/${lot} ${part}`, (signal) =>
    ask(
      api.GET('/api/v1/lots/{site}/{lot}/forecast/accuracy', {
        params: { path: { site, lot }, query: ofPart },
        signal,
      }),
    ),
  );
  const told = useRef<readonly string[]>([]);
  if (forecast.data) told.current = forecast.data.zones;
  const choice = told.current.length > 1 && (
    <Select
      label={t('forecast.zone')}
      hideLabel
      value={part}
      options={[
        { value: '', label: t('forecast.allZones') },
        ...told.current.map((value) => ({ value, label: t('forecast.zoneOf', { zone: value }) })),
      ]}
      onChange={setPart}
    />
  );
  return (
    <Card title={t('forecast.title')} flush tools={choice}>
      {part === '' && forecast.data?.reason === null && (
        <LikelyFree site={site} lot={lot} zone={zone} kinds={kinds} />
      )}
      <Loaded of={forecast}>{(found) => <Rows forecast={found} zone={zone} />}</Loaded>
      {(accuracy.data?.length ?? 0) > 0 && <Accuracy horizons={accuracy.data ?? []} />}
    </Card>
  );
}

/** How good the forecasts of the last weeks were. */
function Accuracy({ horizons }: { horizons: readonly HorizonAccuracy[] }) {
  return (
    <table class="plain">
      <caption class="small strong note">{t('accuracy.title')}</caption>
      <thead>
        <tr>
          <th scope="col">{t('accuracy.column')}</th>
          <th scope="col" class="end">
            {t('accuracy.error')}
          </th>
          <th scope="col" class="end">
            {t('accuracy.held')}
          </th>
        </tr>
      </thead>
      <tbody>
        {horizons.map((each) => (
          <tr key={each.ahead_min}>
            <th scope="row">{t('accuracy.ahead', { span: span(each.ahead_min * 60) })}</th>
            <td class="end num">{percent(each.error)}</td>
            <td class="end num" title={t('accuracy.forecasts', { n: count(each.forecasts) })}>
              {percent(each.held)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
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
      {forecast.notes?.map((note) => (
        <p key={`${note.start} ${note.name}`} class="small note">
          <strong>{note.name}</strong> <At at={note.start} zone={zone} />
          {note.kind === 'holiday' && ` · ${t(note.used ? 'forecast.holidayUsed' : 'forecast.noteOnly')}`}
          {note.kind === 'event' && ` · ${t('forecast.noteOnly')}`}
        </p>
      ))}
    </div>
  );
}
