/** One lot: its bays on the plan, now or at a moment of the last days, and how it was used. */

import type { ComponentChildren } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import { api, ask, fileUrl } from '../../api/client';
import { useLive } from '../../api/live';
import type { Bay, Plan } from '../../api/types';
import { useData } from '../../api/useData';
import { Card } from '../../components/Card';
import { Figure, Meter } from '../../components/counts';
import { Export } from '../../components/Export';
import { Segments } from '../../components/Field';
import { Page } from '../../components/Page';
import { ErrorState, OldData, Skeleton } from '../../components/states';
import { nowMs } from '../../components/Time';
import { useListQuery } from '../../components/useListQuery';
import { t } from '../../i18n';
import { dayAndTime, percent } from '../../i18n/format';
import { BayPanel } from './BayPanel';
import {
  changedBays,
  countsOf,
  grouped,
  type LotBay,
  lotBays,
  natural,
  occupancyOf,
  type View,
  viewsOf,
} from './bays';
import { CountCard } from './CountCard';
import { DwellCard } from './DwellCard';
import { EyeCard, useByEye } from './EyeCard';
import { ForecastCard } from './ForecastCard';
import { GatesCard, TrueCountsCard } from './GatesCard';
import { LevelsCard } from './LevelsCard';
import { LotIncidents } from './LotIncidents';
import { PlanView } from './PlanView';
import { SeriesCard } from './SeriesCard';
import { TimeSlider } from './TimeSlider';
import { momentOf, sliderSpan } from './times';
import './lot.css';

const HALF_MINUTE_S = 30;

export function LotPage(route: { site: string; lot: string }) {
  const site = decodeURIComponent(route.site);
  const lot = decodeURIComponent(route.lot);
  return <OneLot key={`${site}/${lot}`} site={site} lot={lot} />;
}

function OneLot({ site, lot }: { site: string; lot: string }) {
  const query = useListQuery(['level', 'at', 'bay', 'view']);
  const span = sliderSpan(nowMs.value);
  const at = momentOf(query.values.at, span);
  const params = { path: { site, lot } };
  const name = `${site}/${lot}`;

  const plan = useData<Plan>(`plan ${name}`, (signal) =>
    ask(api.GET('/api/v1/lots/{site}/{lot}/plan', { params, signal })),
  );
  const bays = useData<readonly Bay[]>(
    `bays ${name} ${at ?? 'now'}`,
    (signal) => {
      const moment = at === null ? {} : { query: { at: new Date(at).toISOString() } };
      return ask(api.GET('/api/v1/lots/{site}/{lot}/bays', { params: { ...params, ...moment }, signal }));
    },
    at === null ? { everyS: HALF_MINUTE_S } : {},
  );
  useLive(
    { lot: name },
    {
      bays: (news) => at === null && bays.patch((now) => changedBays(now, news)),
      resync: () => {
        if (at === null) bays.reload();
        plan.reload();
      },
    },
  );
  const byEye = useByEye(site, lot, at === null);
  const lastKnown = useLast(bays.data);
  const all = useMemo(() => lastKnown && lotBays(plan.data, lastKnown), [plan.data, lastKnown]);
  const zone = plan.data?.time_zone ?? null;
  const title = plan.data?.name || lot;
  const selected = all?.find((bay) => bay.key === query.values.bay || bay.label === query.values.bay);

  return (
    <Page
      title={title}
      above={[
        { label: t('nav.map'), href: '/' },
        { label: site, href: `/?site=${encodeURIComponent(site)}` },
      ]}
      tools={
        <Export
          href={fileUrl(`/api/v1/lots/${encodeURIComponent(site)}/${encodeURIComponent(lot)}/bays`, {
            format: 'csv',
          })}
        />
      }
    >
      {!all && bays.error && <ErrorState error={bays.error} retry={bays.reload} />}
      {!all && !bays.error && <Skeleton lines={8} />}
      {all && bays.error && <OldData error={bays.error} retry={bays.reload} />}
      {all && (
        <>
          {all.length > 0 && <Figures bays={all} at={at} zone={zone} />}
          {plan.data?.counted && at === null && <CountCard site={site} lot={lot} zone={zone} />}
          {at === null && <LevelsCard site={site} lot={lot} counted={plan.data?.counted ?? false} />}
          <EyeCard asked={byEye} onPick={({ bay }) => query.set({ bay: keyOfName(all, bay) })} />
          {all.length > 0 && (
            <div class="lot-main" data-panel={selected ? 'open' : 'shut'}>
              <PlanCard
                bays={all}
                levels={plan.data?.levels ?? []}
                query={query}
                selected={selected?.key ?? ''}
              >
                <TimeSlider
                  site={site}
                  lot={lot}
                  span={span}
                  at={at}
                  zone={zone}
                  onAt={(ms) => query.set({ at: ms === null ? '' : new Date(ms).toISOString() })}
                />
              </PlanCard>
              {selected && (
                <BayPanel
                  bay={selected}
                  zone={zone}
                  asked={at === null ? byEye : null}
                  onClose={() => query.set({ bay: '' })}
                />
              )}
            </div>
          )}
          <div class="lot-more">
            <SeriesCard site={site} lot={lot} zone={zone} />
            <ForecastCard site={site} lot={lot} zone={zone} kinds={all.map(({ kind }) => kind)} />
            {plan.data?.counted && (
              <>
                <GatesCard site={site} lot={lot} zone={zone} />
                <TrueCountsCard site={site} lot={lot} zone={zone} />
              </>
            )}
            {all.length > 0 && (
              <>
                <LotIncidents site={site} lot={lot} zone={zone} />
                <DwellCard site={site} lot={lot} />
              </>
            )}
          </div>
        </>
      )}
    </Page>
  );
}

/** The key of a bay by the name that its box gives it: the cloud may carry it for the box. */
const keyOfName = (bays: readonly LotBay[], name: string) =>
  bays.find(({ now }) => now?.bay === name)?.key ?? name;

/** The last value that was not undefined: while another moment loads, the one before stays. */
function useLast<T>(value: T | undefined): T | undefined {
  const kept = useRef(value);
  if (value !== undefined) kept.current = value;
  return kept.current;
}

function Figures({ bays, at, zone }: { bays: readonly LotBay[]; at: number | null; zone: string | null }) {
  const counts = countsOf(bays);
  const share = occupancyOf(counts);
  return (
    <Card>
      <div class="stack">
        {at !== null && (
          <p class="banner rounded info" role="status">
            {t('lot.asOf', { time: dayAndTime(at, zone) })}
          </p>
        )}
        <div class="figures">
          <Figure
            label={t('bay.free')}
            state="free"
            value={counts.free}
            of={t('lot.ofBays', { n: counts.bays })}
          />
          <Figure
            label={t('lot.available')}
            value={counts.available}
            of={t('lot.ofBays', { n: counts.capacity })}
          />
          <Figure label={t('bay.occupied')} state="occupied" value={counts.occupied} />
          {counts.unknown > 0 && <Figure label={t('bay.unknown')} state="unknown" value={counts.unknown} />}
          {counts.stale > 0 && <Figure label={t('bay.stale')} state="stale" value={counts.stale} />}
          {counts.closed > 0 && <Figure label={t('bay.closed')} state="closed" value={counts.closed} />}
          <Figure label={t('lot.occupancy')} value={share === null ? '–' : percent(share)} />
        </div>
        <Meter counts={counts} />
        {counts.stale > 0 && <p class="small soft">{t('lot.staleHint')}</p>}
      </div>
    </Card>
  );
}

interface PlanCardProps {
  bays: readonly LotBay[];
  levels: readonly string[];
  query: ReturnType<typeof useListQuery>;
  selected: string;
  children: ComponentChildren;
}

function PlanCard({ bays, levels, query, selected, children }: PlanCardProps) {
  const known = useMemo(() => {
    const said = grouped(bays, ({ level }) => level).map(([level]) => level);
    return [...new Set([...levels.filter((level) => said.includes(level)), ...said.sort(natural)])];
  }, [bays, levels]);
  const level = known.find((each) => each === (query.values.level ?? '')) ?? known[0] ?? '';
  const onLevel = useMemo(() => bays.filter((bay) => (bay.level ?? '') === level), [bays, level]);
  const views = viewsOf(onLevel);
  const view = views.find((each) => each === query.values.view) ?? (views[0] as View);
  const pick = (key: string) => query.set({ bay: key === selected ? '' : key });
  return (
    <Card
      title={t('lot.bays')}
      flush
      class="plan-card"
      tools={
        <>
          {known.length > 1 && (
            <Segments
              label={t('lot.level')}
              value={level}
              options={known.map((value) => ({
                value,
                label: value ? t('lot.levelOf', { level: value }) : t('lot.noLevel'),
              }))}
              onChange={(value) => query.set({ level: value })}
            />
          )}
          <Segments<View>
            label={t('lot.view')}
            value={view}
            options={views.map((value) => ({ value, label: t(`lot.view.${value}`) }))}
            onChange={(value) => query.set({ view: value })}
          />
        </>
      }
    >
      <PlanView key={`${level} ${view}`} view={view} bays={onLevel} selected={selected} onPick={pick} />
      {children}
    </Card>
  );
}
