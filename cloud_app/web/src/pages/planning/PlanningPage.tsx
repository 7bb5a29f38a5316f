/** Where demand is unmet, and what other bays or another price would make of it. */

import { api, ask } from '../../api/client';
import type { LotPlanWhatIf, Outcome, UnmetDemand, UnmetLot } from '../../api/types';
import { useData } from '../../api/useData';
import { Card } from '../../components/Card';
import { Export } from '../../components/Export';
import { Field, Select } from '../../components/Field';
import { Scroller } from '../../components/Form';
import { Page } from '../../components/Page';
import { Loaded, Notice } from '../../components/states';
import { useListQuery, withQuery } from '../../components/useListQuery';
import { language, t } from '../../i18n';
import { count, percent } from '../../i18n/format';
import { dateText, daysOf, REFUSED } from '../reports/reports';
import { askedOf } from './planning';
import { UnmetMap } from './UnmetMap';
import '../reports/reports.css';
import './planning.css';

const oneDigit = (value: number) => value.toLocaleString(language.value, { maximumFractionDigits: 1 });

export function PlanningPage() {
  const query = useListQuery(['site', 'lot', 'from', 'to', 'bays', 'price', 'elasticity']);
  const sites = useData('sites', (signal) => ask(api.GET('/api/v1/sites', { signal })));
  const usual = daysOf('lastMonth', new Date().toISOString().slice(0, 10));
  const { site = '', from = usual.from, to = usual.to } = query.values;
  const asked = { ...(site && { site }), from, to };
  const unmet = useData<UnmetDemand>(`unmet ${site} ${from} ${to}`, (signal) =>
    ask(api.GET('/api/v1/planning/unmet', { params: { query: asked }, signal })),
  );
  const file = (format: string) => withQuery('/api/v1/planning/unmet', {}, { ...asked, format });
  const typed = (name: string) => (event: Event) =>
    query.set({ [name]: (event.currentTarget as HTMLInputElement).value });
  return (
    <Page
      title={t('nav.planning')}
      tools={
        <div class="row wrap">
          <Export href={file('geojson')} label="GeoJSON" />
          <Export href={file('geoparquet')} label="GeoParquet" />
        </div>
      }
    >
      <Card>
        <div class="report-choice">
          {(sites.data?.length ?? 0) > 1 && (
            <Select
              label={t('reports.place')}
              value={site}
              options={[
                { value: '', label: t('reports.allLots') },
                ...(sites.data ?? []).map((each) => ({ value: each.site, label: each.site })),
              ]}
              onChange={(value) => query.set({ site: value, lot: '' })}
            />
          )}
          <Field label={t('reports.from')} type="date" value={from} max={to} onChange={typed('from')} />
          <Field label={t('reports.to')} type="date" value={to} min={from} onChange={typed('to')} />
        </div>
      </Card>
      <Loaded of={unmet}>
        {({ lots }) =>
          lots.length ? (
            <div class="stack report">
              <WhatIf lots={lots} days={{ from, to }} query={query} />
              <Card title={t('planning.unmet')} flush>
                {lots.some(({ location }) => location) && <UnmetMap lots={lots} />}
                <Unmet lots={lots} />
              </Card>
            </div>
          ) : (
            <Notice title={t('planning.noLots')} />
          )
        }
      </Loaded>
    </Page>
  );
}

interface WhatIfProps {
  lots: readonly UnmetLot[];
  days: { from: string; to: string };
  query: ReturnType<typeof useListQuery>;
}

function WhatIf({ lots, days, query }: WhatIfProps) {
  const asked = askedOf(query.values);
  const first = lots[0];
  const chosen = query.values.lot ?? (first ? `${first.site}/${first.lot}` : '');
  const [site = '', lot = ''] = chosen.split('/');
  const plan = useData<LotPlanWhatIf>(
    `plan ${chosen} ${days.from} ${days.to} ${JSON.stringify(asked)}`,
    (signal) =>
      ask(
        api.GET('/api/v1/planning/lots/{site}/{lot}', {
          params: { path: { site, lot }, query: { ...days, ...asked } },
          signal,
        }),
      ),
  );
  const typed = (name: string) => (event: Event) =>
    query.set({ [name]: (event.currentTarget as HTMLInputElement).value });
  return (
    <Card title={t('planning.whatIf')}>
      <div class="report-choice">
        <Select
          label={t('planning.lot')}
          value={chosen}
          options={lots.map((each) => ({
            value: `${each.site}/${each.lot}`,
            label: each.name ?? each.lot,
          }))}
          onChange={(value) => query.set({ lot: value })}
        />
        <Field
          label={t('planning.bays')}
          hint={t('planning.baysHint')}
          type="number"
          step="1"
          value={asked.bays}
          onChange={typed('bays')}
        />
        <Field
          label={t('planning.price')}
          hint={t('planning.priceHint')}
          type="number"
          step="0.05"
          min="0.05"
          max="20"
          value={asked.price}
          onChange={typed('price')}
        />
        <Field
          label={t('planning.elasticity')}
          hint={t('planning.elasticityHint')}
          type="number"
          step="0.05"
          min="-3"
          max="0"
          value={asked.elasticity}
          onChange={typed('elasticity')}
        />
      </div>
      <Loaded of={plan}>{(found) => <Outcomes plan={found} />}</Loaded>
    </Card>
  );
}

function Outcomes({ plan: { now, planned, assumptions, first, last } }: { plan: LotPlanWhatIf }) {
  if (!now || !planned)
    return <p class="soft">{t('planning.tooLittle', { share: percent(assumptions.observed) })}</p>;
  const isBound = assumptions.always_full_quarters > 0;
  const rows: [string, (outcome: Outcome) => string][] = [
    [t('reports.bays'), ({ bays }) => count(bays)],
    [t('planning.demand'), ({ demand }) => demandText(demand, isBound)],
    [t('reports.occupancy'), ({ occupancy }) => percent(occupancy)],
    [t('planning.fullShare'), ({ full_share }) => percent(full_share)],
    [t('planning.unmetHours'), ({ unmet_bay_hours_a_day }) => demandText(unmet_bay_hours_a_day, isBound)],
  ];
  return (
    <>
      <Scroller>
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">{t('planning.mean')}</th>
              <th scope="col" class="end">
                {t('planning.now')}
              </th>
              <th scope="col" class="end">
                {t('planning.planned')}
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([name, text]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td class="end num">{text(now)}</td>
                <td class="end num strong">{text(planned)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroller>
      <h3 class="assumed">{t('planning.assumptions')}</h3>
      <ul class="assumptions small">
        <li>
          {t('planning.assumed.replay', {
            first: dateText(first),
            last: dateText(last),
            share: percent(assumptions.observed),
          })}
        </li>
        <li>
          {t('planning.assumed.censored', {
            n: count(assumptions.full_quarters),
            of: count(assumptions.seen_quarters),
          })}
        </li>
        {isBound && <li>{t('planning.assumed.bound', { n: count(assumptions.always_full_quarters) })}</li>}
        <li>
          {t('planning.assumed.price', {
            price: assumptions.price,
            elasticity: assumptions.elasticity,
          })}
        </li>
        <li>{t('planning.assumed.nothing')}</li>
      </ul>
    </>
  );
}

/** A figure of the demand; where nothing bounds it, what it is at least. */
function demandText(value: number, isBound: boolean): string {
  return isBound ? t('planning.atLeast', { value: oneDigit(value) }) : oneDigit(value);
}

function Unmet({ lots }: { lots: readonly UnmetLot[] }) {
  const share = (value: number | null) => (value === null ? REFUSED : percent(value));
  return (
    <Scroller>
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">{t('planning.lot')}</th>
            {(['bays', 'occupancy', 'fullShare', 'observed'] as const).map((head) => (
              <th key={head} scope="col" class="end">
                {t(`reports.${head}`)}
              </th>
            ))}
            <th scope="col" class="end">
              {t('planning.unmetHours')}
            </th>
          </tr>
        </thead>
        <tbody>
          {lots.map((lot) => (
            <tr key={`${lot.site}/${lot.lot}`}>
              <th scope="row">{lot.name ?? lot.lot}</th>
              <td class="end num">{count(lot.bays)}</td>
              <td class="end num">{share(lot.occupancy)}</td>
              <td class="end num">{share(lot.full_share)}</td>
              <td class="end num">{percent(lot.observed)}</td>
              <td class="end num strong">
                {lot.unmet_bay_hours_a_day === null
                  ? REFUSED
                  : demandText(lot.unmet_bay_hours_a_day, lot.at_least)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroller>
  );
}
