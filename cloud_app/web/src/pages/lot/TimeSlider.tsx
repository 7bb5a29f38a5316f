/** A moment of the last days: a slider over the lot's occupancy, step by step or played. */

import { Pause, Play, Radio } from 'lucide-preact';
import { useEffect, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { SeriesPoint } from '../../api/types';
import { useData } from '../../api/useData';
import { Button, IconButton } from '../../components/Button';
import { t } from '../../i18n';
import { day, dayAndTime } from '../../i18n/format';
import { areaPath } from './area';
import { midnights, STEP_MS, type TimeSpan } from './times';

const HOUR_S = 3600;
const PLAY_MS = 350;
const SETTLE_MS = 150;

interface TimeSliderProps {
  site: string;
  lot: string;
  span: TimeSpan;
  /** Null for now. */
  at: number | null;
  zone: string | null;
  onAt: (ms: number | null) => void;
}

export function TimeSlider({ site, lot, span, at, zone, onAt }: TimeSliderProps) {
  const [isPlaying, setPlaying] = useState(false);
  const [dragged, setDragged] = useState<number | null>(null);
  const shown = dragged ?? at ?? span.endMs;

  useEffect(() => {
    if (!isPlaying) return;
    const timer = setTimeout(() => {
      const next = (at ?? span.startMs) + STEP_MS;
      if (next < span.endMs) onAt(next);
      else {
        setPlaying(false);
        onAt(null);
      }
    }, PLAY_MS);
    return () => clearTimeout(timer);
  }, [isPlaying, at]);
  useEffect(() => {
    if (dragged === null) return;
    const timer = setTimeout(() => {
      onAt(dragged >= span.endMs ? null : dragged);
      setDragged(null);
    }, SETTLE_MS);
    return () => clearTimeout(timer);
  }, [dragged]);

  const play = () => {
    if (!isPlaying && at === null) onAt(span.endMs - 96 * STEP_MS);
    setPlaying(!isPlaying);
  };
  const live = () => {
    setPlaying(false);
    onAt(null);
  };
  return (
    <div class="time-slider">
      <IconButton
        label={isPlaying ? t('time.pause') : t('time.play')}
        icon={isPlaying ? Pause : Play}
        onClick={play}
      />
      <div class="track">
        <Course site={site} lot={lot} span={span} />
        <Days span={span} zone={zone} />
        <input
          type="range"
          aria-label={t('time.slider')}
          aria-valuetext={shown >= span.endMs ? t('time.now') : dayAndTime(shown, zone)}
          min={span.startMs}
          max={span.endMs}
          step={STEP_MS}
          value={shown}
          onInput={(event) => {
            setPlaying(false);
            setDragged(event.currentTarget.valueAsNumber);
          }}
        />
      </div>
      <output class="num">{shown >= span.endMs ? t('time.now') : dayAndTime(shown, zone)}</output>
      <Button icon={Radio} size="small" aria-pressed={at === null && dragged === null} onClick={live}>
        {t('live.live')}
      </Button>
    </div>
  );
}

/** The lot's occupancy behind the slider. */
function Course({ site, lot, span }: Pick<TimeSliderProps, 'site' | 'lot' | 'span'>) {
  const hourMs = Math.floor(span.endMs / (HOUR_S * 1000)) * HOUR_S * 1000;
  const series = useData<readonly SeriesPoint[]>(`course ${site}/${lot} ${hourMs}`, (signal) => {
    const query = {
      start: new Date(span.startMs).toISOString(),
      end: new Date(span.endMs).toISOString(),
      step_s: HOUR_S,
    };
    return ask(
      api.GET('/api/v1/lots/{site}/{lot}/series', { params: { path: { site, lot }, query }, signal }),
    );
  });
  return (
    <svg viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true">
      <path d={areaPath(series.data ?? [], span, { width: 1000, height: 100 })} />
    </svg>
  );
}

/** From there on a phone has no room for a day's name. */
const LATE = 0.7;

function Days({ span, zone }: Pick<TimeSliderProps, 'span' | 'zone'>) {
  const length = span.endMs - span.startMs;
  return (
    <div class="days" aria-hidden="true">
      {midnights(span, zone).map((ms) => {
        const at = (ms - span.startMs) / length;
        return (
          <span key={ms} class={at > LATE ? 'late' : ''} style={{ left: `${at * 100}%` }}>
            {day(ms, zone)}
          </span>
        );
      })}
    </div>
  );
}
