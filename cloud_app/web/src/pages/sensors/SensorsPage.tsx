/** Bay sensors and counters: those first that want looking at. */

import { api, ask, fileUrl } from '../../api/client';
import { useLive } from '../../api/live';
import type { Sensor } from '../../api/types';
import { useData } from '../../api/useData';
import { usePages } from '../../api/usePages';
import { StateWord } from '../../components/counts';
import { type Column, DataList } from '../../components/DataList';
import { Page } from '../../components/Page';
import { Ago } from '../../components/Time';
import { useListQuery } from '../../components/useListQuery';
import { t, word } from '../../i18n';
import { fixed } from '../../i18n/format';
import { batteryText, CONDITIONS, linkBars, saidNow, sensorKey, sensorQuery, TONES } from './sensors';
import './sensors.css';

const PAGE = 100;

export function SensorsPage() {
  const query = useListQuery(['site', 'lot', 'condition']);
  const wanted = sensorQuery(query.values);
  const { rows, more } = usePages<Sensor, string>(
    `sensors ${JSON.stringify(wanted)}`,
    (after, signal) =>
      ask(
        api.GET('/api/v1/sensors', {
          params: { query: { ...wanted, limit: PAGE, ...(after && { after }) } },
          ...(signal && { signal }),
        }),
      ),
    { size: PAGE, cursor: sensorKey, rowKey: sensorKey },
  );
  useLive({}, { change: rows.reload, resync: rows.reload });
  const sites = useData('sites', (signal) => ask(api.GET('/api/v1/sites', { signal })));
  const lots = sites.data?.find(({ site }) => site === query.values.site)?.lots ?? [];
  const plain = (texts: readonly string[]) => texts.map((value) => ({ value, label: value }));
  return (
    <Page title={t('nav.sensors')}>
      <DataList
        label={t('nav.sensors')}
        of={rows}
        query={query}
        columns={columns()}
        rowKey={sensorKey}
        href={({ device }) => `/sensors/${encodeURIComponent(device)}`}
        filters={[
          {
            id: 'condition',
            label: t('sensors.condition'),
            options: CONDITIONS.map((value) => ({ value, label: word('sensorCondition', value) })),
          },
          {
            id: 'site',
            label: t('kind.site'),
            options: plain((sites.data ?? []).map(({ site }) => site)),
          },
          ...(query.values.site ? [{ id: 'lot', label: t('kind.lot'), options: plain(lots) }] : []),
        ]}
        hasSearch
        more={more}
        exportUrl={() => fileUrl('/api/v1/sensors', { ...wanted, format: 'csv' })}
        empty={{ title: t('sensors.none'), hint: t('sensors.noneHint') }}
      />
    </Page>
  );
}

export function ConditionBadge({ sensor }: { sensor: Sensor }) {
  return <span class={`badge ${TONES[sensor.condition]}`}>{word('sensorCondition', sensor.condition)}</span>;
}

function SaidNow({ sensor }: { sensor: Sensor }) {
  const { state, reason } = saidNow(sensor);
  if (state === null) return <span class="soft">–</span>;
  return (
    <>
      <StateWord state={state} />
      {reason && <span class="sub">{word('reason', reason)}</span>}
    </>
  );
}

export function LinkBars({ sensor }: { sensor: Sensor }) {
  const bars = linkBars(sensor);
  if (bars === null || sensor.rssi_dbm === null) return <span class="soft">–</span>;
  return (
    <span class="link-bars" title={t('sensors.bars', { n: bars })}>
      <span aria-hidden="true">
        {[1, 2, 3, 4].map((step) => (
          <i key={step} class={step <= bars ? 'on' : ''} />
        ))}
      </span>
      <span class="num">{fixed(sensor.rssi_dbm, 0)} dBm</span>
    </span>
  );
}

function columns(): Column<Sensor>[] {
  return [
    {
      id: 'device',
      head: t('sensors.device'),
      phone: 'title',
      cell: ({ device, profile }) => (
        <>
          {device}
          {profile && <span class="sub">{profile}</span>}
        </>
      ),
      sort: 'api',
    },
    {
      id: 'condition',
      head: t('sensors.condition'),
      cell: (sensor) => <ConditionBadge sensor={sensor} />,
      sort: 'api',
    },
    {
      id: 'bay',
      head: t('kind.bay'),
      cell: ({ site, lot, bay }) => (
        <>
          {bay ?? '–'}
          <span class="sub">{[site, lot].filter(Boolean).join(' · ')}</span>
        </>
      ),
      sort: 'api',
    },
    {
      id: 'state',
      head: t('sensors.says'),
      cell: (sensor) => <SaidNow sensor={sensor} />,
    },
    {
      id: 'heard',
      head: t('edges.lastSeen'),
      cell: ({ heard, site }) => (heard ? <Ago at={heard} site={site} /> : '–'),
      sort: 'api',
    },
    {
      id: 'battery',
      head: t('sensors.battery'),
      isNumber: true,
      cell: (sensor) => batteryText(sensor) ?? '–',
      sort: 'api',
    },
    {
      id: 'link',
      head: t('sensors.link'),
      isNumber: true,
      cell: (sensor) => <LinkBars sensor={sensor} />,
      sort: 'api',
    },
  ];
}
