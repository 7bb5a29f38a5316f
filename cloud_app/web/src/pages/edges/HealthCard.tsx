/** An edge's figures over the last days, one at a time. */

import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { EdgeHealth } from '../../api/types';
import { useData } from '../../api/useData';
import { Card } from '../../components/Card';
import { Segments, Select } from '../../components/Field';
import { LineChart } from '../../components/LineChart';
import { Loaded, Notice } from '../../components/states';
import { t } from '../../i18n';
import { bytes, fixed, span } from '../../i18n/format';

type Point = EdgeHealth['points'][number];

const FIGURES = {
  fps: (n: number) => fixed(n, 1),
  latency_p95_ms: (n: number) => `${fixed(n, 0)} ms`,
  cameras_up: (n: number) => fixed(n, 0),
  outbox_rows: (n: number) => fixed(n, 0),
  outbox_age_s: span,
  temperature_c: (n: number) => `${fixed(n, 0)} °C`,
  memory_bytes: bytes,
  disk_free_bytes: bytes,
} as const satisfies Partial<Record<keyof Point, (n: number) => string>>;
type Figure = keyof typeof FIGURES;

const DAY_MS = 86_400_000;
const SPANS = { '1': 'lot.span.day', '7': 'lot.span.week', '28': 'lot.span.month' } as const;
type Days = keyof typeof SPANS;

export function HealthCard({ edge, zone }: { edge: string; zone: string | null }) {
  const [days, setDays] = useState<Days>('1');
  const [figure, setFigure] = useState<Figure>('fps');
  const health = useData<EdgeHealth>(`health ${edge} ${days}`, (signal) => {
    const query = { start: new Date(Date.now() - Number(days) * DAY_MS).toISOString() };
    return ask(api.GET('/api/v1/edges/{edge}/health', { params: { path: { edge }, query }, signal }));
  });
  const known = health.data?.points.some((point) => point[figure] !== null);
  return (
    <Card
      title={t('edges.health')}
      tools={
        <>
          <Select
            label={t('edges.figure')}
            hideLabel
            value={figure}
            options={(Object.keys(FIGURES) as Figure[]).map((value) => ({
              value,
              label: t(`figure.${value}`),
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
      <Loaded of={health}>
        {({ points, every_s }) =>
          known ? (
            <LineChart
              at={points.map(({ at }) => Date.parse(at) / 1000)}
              values={points.map((point) => point[figure])}
              label={t(`figure.${figure}`)}
              show={FIGURES[figure]}
              breakS={3 * every_s}
              zone={zone}
            />
          ) : (
            <Notice title={t('edges.noFigures')}>
              <p>{t('edges.noFiguresHint', { span: span(every_s) })}</p>
            </Notice>
          )
        }
      </Loaded>
    </Card>
  );
}
