/** Share of occupied bays over time, by uPlot; breaks where nothing was known. */

import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { SeriesPoint } from '../api/types';
import { language, t } from '../i18n';
import { dayAndTime, fixed, percent } from '../i18n/format';
import { isDark, token } from '../theme/theme';
import 'uplot/dist/uPlot.min.css';
import './chart.css';

const HIGH_PX = 240;

interface SeriesChartProps {
  points: readonly SeriesPoint[];
  /** Of the site: the axis is in it. */
  zone: string | null;
}

export function SeriesChart({ points, zone }: SeriesChartProps) {
  const holder = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const { current } = holder;
    if (!current) return;
    const chart = new uPlot(options(current.clientWidth, zone), dataOf(points), current);
    // Without a cursor the newest values show; uPlot empties the legend in a task of its own.
    const newest = points.findLastIndex(({ occupancy }) => occupancy !== null);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const showNewest = () => {
      if (newest >= 0) timer = setTimeout(() => chart.setLegend({ idx: newest }));
    };
    showNewest();
    chart.over.addEventListener('mouseleave', showNewest);
    const resized = new ResizeObserver(() => chart.setSize({ width: current.clientWidth, height: HIGH_PX }));
    resized.observe(current);
    return () => {
      clearTimeout(timer);
      resized.disconnect();
      chart.destroy();
    };
  }, [points, zone, isDark.value, language.value]);
  return <div class="chart" ref={holder} role="img" aria-label={summary(points)} />;
}

function dataOf(points: readonly SeriesPoint[]): uPlot.AlignedData {
  return [
    points.map(({ start }) => Date.parse(start) / 1000),
    points.map(({ occupancy }) => (occupancy === null ? null : occupancy * 100)),
    points.map(({ free }) => free),
  ];
}

/** What a chart shows, for who does not see it. */
export function summary(points: readonly SeriesPoint[]): string {
  const known = points.flatMap(({ occupancy }) => (occupancy === null ? [] : [occupancy]));
  const last = known.at(-1);
  if (last === undefined) return t('chart.nothing');
  return t('chart.summary', {
    low: percent(Math.min(...known)),
    high: percent(Math.max(...known)),
    last: percent(last),
  });
}

function options(width: number, zone: string | null): uPlot.Options {
  const axis = {
    stroke: token('--soft'),
    font: '12px Inter',
    ticks: { show: false },
    grid: { stroke: token('--line'), width: 1 },
  };
  const line = token('--accent');
  return {
    width,
    height: HIGH_PX,
    ...(zone && { tzDate: (at: number) => uPlot.tzDate(new Date(at * 1000), zone) }),
    cursor: { y: false, points: { size: 8 } },
    scales: { x: { time: true }, y: { range: [0, 100] } },
    axes: [
      {
        ...axis,
        size: 34,
        grid: { show: false },
        space: 64,
        values: (_chart, splits, _axis, _space, step) => splits.map((at) => tick(at, step, zone)),
      },
      {
        ...axis,
        size: 48,
        splits: () => [0, 25, 50, 75, 100],
        values: (_chart, splits) => splits.map((value) => `${value} %`),
      },
    ],
    series: [
      { label: t('chart.time'), value: (_chart, at) => (at == null ? '' : dayAndTime(at * 1000, zone)) },
      {
        label: t('bay.occupied'),
        stroke: line,
        width: 2,
        fill: line.replace('rgb(', 'rgba(').replace(')', ', 0.10)'),
        points: { show: false },
        value: (_chart, value) => (value == null ? '–' : `${Math.round(value)} %`),
      },
      {
        label: t('bay.free'),
        show: true,
        stroke: 'transparent',
        points: { show: false },
        scale: 'free',
        value: (_chart, value) => (value == null ? '–' : fixed(value, 0)),
      },
    ],
  };
}

const DAY_S = 86_400;

/** Hours of a day, or days. */
function tick(at: number, step: number, zone: string | null): string {
  const locale = language.value === 'en' ? 'en-GB' : language.value;
  const form: Intl.DateTimeFormatOptions =
    step >= DAY_S ? { weekday: 'short', day: 'numeric' } : { hour: '2-digit', minute: '2-digit' };
  return new Intl.DateTimeFormat(locale, { ...form, ...(zone && { timeZone: zone }) }).format(at * 1000);
}
