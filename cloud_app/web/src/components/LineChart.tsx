/** One figure over time, by uPlot; breaks where nothing was told for a while. */

import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { language, t } from '../i18n';
import { dayAndTime } from '../i18n/format';
import { clockMs } from '../i18n/zones';
import { isDark, token } from '../theme/theme';
import 'uplot/dist/uPlot.min.css';
import './chart.css';

const HIGH_PX = 220;
const DAY_MS = 86_400_000;

interface LineChartProps {
  /** Seconds of UTC, rising. */
  at: readonly number[];
  values: readonly (number | null)[];
  label: string;
  /** A value as text, with its unit. */
  show: (value: number) => string;
  /** A longer silence is drawn as a break. */
  breakS: number;
  /** Of the site. */
  zone: string | null;
}

export function LineChart({ at, values, label, show, breakS, zone }: LineChartProps) {
  const holder = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const { current } = holder;
    if (!current) return;
    const size = { width: current.clientWidth, height: HIGH_PX };
    const chart = new uPlot({ ...size, ...look(label, show, zone) }, broken(at, values, breakS), current);
    const resized = new ResizeObserver(() => chart.setSize({ width: current.clientWidth, height: HIGH_PX }));
    resized.observe(current);
    return () => {
      resized.disconnect();
      chart.destroy();
    };
  }, [at, values, label, zone, isDark.value, language.value]);
  return <div class="chart" ref={holder} role="img" aria-label={summary(values, label, show)} />;
}

/** The rows of uPlot, with an empty value in each silence. */
export function broken(
  at: readonly number[],
  values: readonly (number | null)[],
  breakS: number,
): [number[], (number | null)[]] {
  const [times, shown]: [number[], (number | null)[]] = [[], []];
  at.forEach((time, i) => {
    const before = at[i - 1];
    if (before !== undefined && time - before > breakS) {
      times.push(before + 1);
      shown.push(null);
    }
    times.push(time);
    shown.push(values[i] ?? null);
  });
  return [times, shown];
}

/** What a chart shows, for who does not see it. */
export function summary(
  values: readonly (number | null)[],
  label: string,
  show: (value: number) => string,
): string {
  const known = values.filter((value) => value !== null);
  const last = known.at(-1);
  if (last === undefined) return `${label}: –`;
  return t('chart.line', {
    label,
    low: show(Math.min(...known)),
    high: show(Math.max(...known)),
    last: show(last),
  });
}

function look(
  label: string,
  show: (value: number) => string,
  zone: string | null,
): Omit<uPlot.Options, 'width' | 'height'> {
  const axis = {
    stroke: token('--soft'),
    font: '12px Inter',
    ticks: { show: false },
    grid: { stroke: token('--line'), width: 1 },
  };
  const line = token('--accent');
  return {
    ...(zone && { tzDate: (at: number) => uPlot.tzDate(new Date(at * 1000), zone) }),
    cursor: { y: false, points: { size: 8 } },
    scales: { x: { time: true }, y: { range: (_chart, low, high) => rangeOf(low, high) } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 72,
        values: (_chart, splits) => splits.map((at) => tick(at, zone)),
      },
      { ...axis, size: 72, values: (_chart, splits) => splits.map(show) },
    ],
    series: [
      { label: t('chart.time'), value: (_chart, at) => (at === null ? '' : dayAndTime(at * 1000, zone)) },
      {
        label,
        stroke: line,
        width: 2,
        fill: line.replace('rgb(', 'rgba(').replace(')', ', 0.10)'),
        // What is always negative, such as dBm, is filled from below too.
        fillTo: (chart) => chart.scales.y?.min ?? 0,
        points: { show: false },
        value: (_chart, value) => (value === null ? '–' : show(value)),
      },
    ],
  };
}

/** From nought, with some room above; what is always negative has no use for nought. */
export function rangeOf(low: number | null, high: number | null): [number, number] {
  if (low !== null && high !== null && high < 0) {
    const room = Math.max(1, (high - low) / 10);
    return [low - room, Math.min(0, high + room)];
  }
  return [Math.min(0, low ?? 0), high ? high * 1.1 : 1];
}

/** A day where one begins, else the time. */
function tick(at: number, zone: string | null): string {
  const when = new Date(at * 1000);
  const locale = language.value === 'en' ? 'en-GB' : language.value;
  const isDay = clockMs(when.getTime(), zone) % DAY_MS === 0;
  return when.toLocaleString(locale, {
    ...(isDay
      ? ({ weekday: 'short', day: 'numeric' } as const)
      : ({ hour: '2-digit', minute: '2-digit' } as const)),
    ...(zone && { timeZone: zone }),
  });
}
