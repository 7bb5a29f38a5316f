import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { SeriesPoint } from '../../api/types';
import { useData } from '../../api/useData';
import { Card } from '../../components/Card';
import { Segments } from '../../components/Field';
import { SeriesChart } from '../../components/SeriesChart';
import { Loaded } from '../../components/states';
import { t } from '../../i18n';

const SPANS = {
  day: { days: 1, step_s: 900 },
  week: { days: 7, step_s: 3600 },
  month: { days: 28, step_s: 4 * 3600 },
} as const;
type SpanName = keyof typeof SPANS;
const MINUTE_S = 60;

/** How full the lot was. */
export function SeriesCard({ site, lot, zone }: { site: string; lot: string; zone: string | null }) {
  const [name, setName] = useState<SpanName>('day');
  const series = useData<readonly SeriesPoint[]>(
    `series ${site}/${lot} ${name}`,
    (signal) => {
      const { days, step_s } = SPANS[name];
      const query = { start: new Date(Date.now() - days * 86_400_000).toISOString(), step_s };
      return ask(
        api.GET('/api/v1/lots/{site}/{lot}/series', { params: { path: { site, lot }, query }, signal }),
      );
    },
    { everyS: 5 * MINUTE_S },
  );
  return (
    <Card
      title={t('lot.course')}
      class="wide"
      tools={
        <Segments<SpanName>
          label={t('lot.span')}
          value={name}
          options={(Object.keys(SPANS) as SpanName[]).map((value) => ({
            value,
            label: t(`lot.span.${value}`),
          }))}
          onChange={setName}
        />
      }
    >
      <Loaded of={series}>{(points) => <SeriesChart key={name} points={points} zone={zone} />}</Loaded>
    </Card>
  );
}
