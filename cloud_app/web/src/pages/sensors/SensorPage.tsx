/** One sensor: how it is, its figures over time, and each frame as it came. */

import { useState } from 'preact/hooks';
import { api, ask, fileUrl } from '../../api/client';
import { useLive } from '../../api/live';
import type { Frame, SensorDetail } from '../../api/types';
import { type Data, useData } from '../../api/useData';
import { Card } from '../../components/Card';
import { StateWord } from '../../components/counts';
import { Export } from '../../components/Export';
import { Segments, Select } from '../../components/Field';
import { Facts } from '../../components/Form';
import { LineChart } from '../../components/LineChart';
import { Page } from '../../components/Page';
import { Loaded, Notice } from '../../components/states';
import { Ago, At } from '../../components/Time';
import { t, word } from '../../i18n';
import { count, fixed, span } from '../../i18n/format';
import { zoneOf } from '../../i18n/zones';
import { DownlinksCard } from './DownlinksCard';
import { ConditionBadge, LinkBars } from './SensorsPage';
import { batteryText, fieldsOf, saidNow } from './sensors';
import './sensors.css';

const MINUTE_S = 60;
const DAY_MS = 86_400_000;
const SHOWN = 25;
const MOST = 1000;
const SPANS = { '1': 'lot.span.day', '7': 'lot.span.week', '28': 'lot.span.month' } as const;
type Days = keyof typeof SPANS;
const FIGURES = {
  rssi_dbm: (n: number) => `${fixed(n, 0)} dBm`,
  snr_db: (n: number) => `${fixed(n, 1)} dB`,
  battery_v: (n: number) => `${fixed(n, 2)} V`,
  battery_pct: (n: number) => `${fixed(n, 0)} %`,
  temperature_c: (n: number) => `${fixed(n, 0)} °C`,
} as const satisfies Partial<Record<keyof Frame, (n: number) => string>>;
type Figure = keyof typeof FIGURES;

export function SensorPage(route: { device: string }) {
  return <OneSensor key={route.device} device={route.device} />;
}

function OneSensor({ device }: { device: string }) {
  const [days, setDays] = useState<Days>('7');
  const path = { device };
  const sensor = useData<SensorDetail>(
    `sensor ${device}`,
    (signal) => ask(api.GET('/api/v1/sensors/{device}', { params: { path }, signal })),
    { everyS: MINUTE_S },
  );
  const start = () => new Date(Date.now() - Number(days) * DAY_MS).toISOString();
  const frames = useData<readonly Frame[]>(
    `frames ${device} ${days}`,
    (signal) =>
      ask(
        api.GET('/api/v1/sensors/{device}/frames', {
          params: { path, query: { start: start(), limit: MOST } },
          signal,
        }),
      ),
    { everyS: MINUTE_S },
  );
  const again = () => {
    sensor.reload();
    frames.reload();
  };
  useLive({}, { change: again, resync: again });
  return (
    <Page title={device} above={[{ label: t('nav.sensors'), href: '/sensors' }]}>
      <Loaded of={sensor}>
        {(found) => (
          <>
            <Warnings sensor={found} />
            <div class="columns even">
              <Card title={t('sensors.bay')} tools={<ConditionBadge sensor={found} />}>
                <BayFacts sensor={found} />
              </Card>
              <Card title={t('sensors.health')} tools={<LinkBars sensor={found} />}>
                <DeviceFacts sensor={found} />
              </Card>
            </div>
            {found.site && <DownlinksCard sensor={found} />}
            <Figures frames={frames} days={days} setDays={setDays} zone={zoneOf(found.site)} />
            <Frames frames={frames} device={device} start={start()} site={found.site} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Warnings({ sensor }: { sensor: SensorDetail }) {
  const { condition, fault, error, due } = sensor;
  const texts = [
    condition === 'silent' && due && t('sensors.silentHint'),
    fault && t('sensors.faultHint', { fault }),
    condition === 'unreadable' && error && t('sensors.errorHint', { error }),
    condition === 'unregistered' && t('sensors.unregisteredHint'),
  ].filter((text) => typeof text === 'string' && text);
  if (!texts.length) return null;
  return (
    <ul class="sensor-warnings">
      {texts.map((text) => (
        <li key={String(text)} class={`banner rounded ${condition === 'unregistered' ? '' : 'bad'}`}>
          {text}
        </li>
      ))}
    </ul>
  );
}

function BayFacts({ sensor }: { sensor: SensorDetail }) {
  const { site, lot, bay, since, edge, network } = sensor;
  const { state, reason } = saidNow(sensor);
  const part = encodeURIComponent;
  const lotHref = site && lot && `/lots/${part(site)}/${part(lot)}`;
  return (
    <Facts
      facts={[
        [t('kind.site'), site],
        [t('kind.lot'), lotHref && <a href={lotHref}>{lot}</a>],
        [
          t('kind.bay'),
          bay && (lotHref ? <a href={`${lotHref}?${new URLSearchParams({ bay })}`}>{bay}</a> : bay),
        ],
        [t('sensors.says'), state && <StateWord key="state" state={state} />],
        [t('lot.reason'), reason && word('reason', reason)],
        [t('sensors.since'), since && <At key="since" at={since} site={site} />],
        [t('kind.edge'), edge && <a href={`/edges/${part(edge)}`}>{edge}</a>],
        [t('sensors.network'), network],
        [t('nav.registry'), site && <a href={`/registry/devices/${part(sensor.device)}`}>{sensor.device}</a>],
      ]}
    />
  );
}

function DeviceFacts({ sensor }: { sensor: SensorDetail }) {
  const { site, heard, due, period_s, temperature_c, snr_db, gateways, frames_24h, lost_24h } = sensor;
  const { battery_days, battery_days_low, battery_days_high } = sensor;
  return (
    <Facts
      facts={[
        [
          t('device.batteryLeft'),
          battery_days !== null && (
            <span key="left" title={t('device.batteryHint')}>
              {t('device.days', { n: count(Math.round(battery_days)) })}{' '}
              <span class="soft">
                ({count(Math.round(battery_days_low ?? 0))}–
                {battery_days_high === null ? '∞' : count(Math.round(battery_days_high))})
              </span>
            </span>
          ),
        ],
        [t('edges.lastSeen'), heard && <Ago key="heard" at={heard} site={site} />],
        [t('sensors.due'), due && <At key="due" at={due} site={site} />],
        [t('sensors.period'), period_s !== null && span(period_s)],
        [t('sensors.battery'), batteryText(sensor)],
        [t('edges.temperature'), temperature_c !== null && `${fixed(temperature_c, 0)} °C`],
        [t('sensors.snr'), snr_db !== null && `${fixed(snr_db, 1)} dB`],
        [t('sensors.gateways'), gateways !== null && count(gateways)],
        [t('sensors.frames24h'), t('sensors.frames24hOf', { n: count(frames_24h), lost: count(lost_24h) })],
        [t('field.profile'), sensor.profile],
        [t('field.firmware'), sensor.firmware],
        [t('sensors.joined'), sensor.joined && <At key="joined" at={sensor.joined} site={site} />],
      ]}
    />
  );
}

interface FiguresProps {
  frames: Data<readonly Frame[]>;
  days: Days;
  setDays: (days: Days) => void;
  zone: string | null;
}

function Figures({ frames, days, setDays, zone }: FiguresProps) {
  const [chosen, setFigure] = useState<Figure>('rssi_dbm');
  return (
    <Card
      title={t('edges.health')}
      tools={
        <>
          <Select
            label={t('edges.figure')}
            hideLabel
            value={chosen}
            options={(Object.keys(FIGURES) as Figure[]).map((value) => ({
              value,
              label: t(`sensorFigure.${value}`),
            }))}
            onChange={(value) => setFigure(value as Figure)}
          />
          <Segments<Days>
            label={t('lot.span')}
            value={days}
            options={(Object.keys(SPANS) as Days[]).map((value) => ({ value, label: t(SPANS[value]) }))}
            onChange={setDays}
          />
        </>
      }
    >
      <Loaded of={frames}>
        {(found) => {
          const points = [...found].reverse().filter((frame) => frame[chosen] !== null);
          return points.length > 1 ? (
            <LineChart
              at={points.map(({ at }) => Date.parse(at) / 1000)}
              values={points.map((frame) => frame[chosen])}
              label={t(`sensorFigure.${chosen}`)}
              show={FIGURES[chosen]}
              breakS={2 * 86_400}
              zone={zone}
            />
          ) : (
            <Notice title={t('edges.noFigures')}>
              <p>{t('sensors.noFiguresHint')}</p>
            </Notice>
          );
        }}
      </Loaded>
    </Card>
  );
}

function Frames({
  frames,
  device,
  start,
  site,
}: {
  frames: Data<readonly Frame[]>;
  device: string;
  start: string;
  site: string | null;
}) {
  const [shown, setShown] = useState(SHOWN);
  const part = encodeURIComponent(device);
  return (
    <Card
      title={t('sensors.frames')}
      flush
      tools={
        <Export
          href={fileUrl(`/api/v1/sensors/${part}/frames`, { start, limit: String(MOST), format: 'csv' })}
        />
      }
    >
      <Loaded of={frames}>
        {(found) =>
          found.length ? (
            <>
              <ol class="frames">
                {found.slice(0, shown).map((frame) => (
                  <FrameRow key={frame.frame} frame={frame} site={site} />
                ))}
              </ol>
              {found.length > shown && (
                <p class="more">
                  <button type="button" class="button" onClick={() => setShown(shown + 4 * SHOWN)}>
                    {t('sensors.moreFrames', { n: count(found.length - shown) })}
                  </button>
                </p>
              )}
            </>
          ) : (
            <Notice title={t('sensors.noFrames')} />
          )
        }
      </Loaded>
    </Card>
  );
}

function FrameRow({ frame, site }: { frame: Frame; site: string | null }) {
  const { at, kind, f_cnt, f_port, payload, state, reason, error, raw, rssi_dbm, snr_db } = frame;
  return (
    <li>
      <details>
        <summary>
          <At at={at} site={site} />
          <span class="frame-kind">{word('frameKind', kind)}</span>
          {state && <StateWord state={state} />}
          {reason && <span class="soft small">{word('reason', reason)}</span>}
          {error && <span class="badge bad">{t('sensorCondition.unreadable')}</span>}
          {payload && <code class="payload">{payload}</code>}
          <span class="soft small num">{f_cnt !== null && `#${f_cnt}`}</span>
        </summary>
        <div class="frame-body">
          {error && <p class="banner rounded bad">{error}</p>}
          <Facts
            facts={[
              ...fieldsOf(frame).map(
                ([name, value]) =>
                  [
                    name,
                    <span key={name} class="num">
                      {value}
                    </span>,
                  ] as const,
              ),
              [t('sensors.port'), f_port],
              [
                t('sensors.signal'),
                rssi_dbm !== null &&
                  `${fixed(rssi_dbm, 0)} dBm${snr_db === null ? '' : `, ${fixed(snr_db, 1)} dB`}`,
              ],
              [t('sensors.network'), frame.network],
              [t('field.profile'), frame.profile],
            ]}
          />
          <details>
            <summary class="soft small">{t('sensors.raw')}</summary>
            <pre class="raw">{raw}</pre>
          </details>
        </div>
      </details>
    </li>
  );
}
