/** A report on the past: chosen above, shown below, printed or taken along as a file. */

import { CalendarClock, Printer } from 'lucide-preact';
import { api, ask } from '../../api/client';
import type { Report } from '../../api/types';
import { useData } from '../../api/useData';
import { may } from '../../app/session';
import { Button, ButtonLink } from '../../components/Button';
import { Card } from '../../components/Card';
import { Export } from '../../components/Export';
import { Field, Select } from '../../components/Field';
import { Page } from '../../components/Page';
import { Loaded } from '../../components/states';
import { useListQuery, withQuery } from '../../components/useListQuery';
import { language, t } from '../../i18n';
import { ReportView } from './ReportView';
import { type Days, daysOf, PRESETS, type PresetId } from './reports';
import './reports.css';

type Compared = 'none' | 'before' | 'year';
const FILES = ['pdf', 'xlsx', 'csv'] as const;

export function ReportsPage() {
  const query = useListQuery(['place', 'from', 'to', 'compared']);
  const today = new Date().toISOString().slice(0, 10);
  const usual = daysOf('lastMonth', today);
  const { place = '', from = usual.from, to = usual.to, compared = 'before' } = query.values;
  const [site, lot] = place.split('/');
  const asked = {
    ...(site && { site }),
    ...(lot && { lot }),
    from,
    to,
    compared: compared as Compared,
  };
  const report = useData<Report>(`report ${place} ${from} ${to} ${compared}`, (signal) =>
    ask(api.GET('/api/v1/reports', { params: { query: asked }, signal })),
  );
  const file = (format: string) =>
    withQuery('/api/v1/reports', {}, { ...asked, format, language: language.value });
  return (
    <Page
      title={t('nav.reports')}
      tools={
        <div class="row wrap no-print">
          {FILES.map((format) => (
            <Export key={format} href={file(format)} label={format.toUpperCase()} />
          ))}
          <Button size="small" icon={Printer} onClick={() => window.print()}>
            {t('reports.print')}
          </Button>
          {may('notifications') && (
            <ButtonLink size="small" icon={CalendarClock} href="/reports/schedules">
              {t('reports.schedules')}
            </ButtonLink>
          )}
        </div>
      }
    >
      <Choice place={place} days={{ from, to }} compared={compared} today={today} set={query.set} />
      <Loaded of={report}>{(found) => <ReportView report={found} />}</Loaded>
    </Page>
  );
}

interface ChoiceProps {
  place: string;
  days: Days;
  compared: string;
  today: string;
  set: (change: Readonly<Record<string, string>>) => void;
}

function Choice({ place, days, compared, today, set }: ChoiceProps) {
  const lots = useData('lots', (signal) => ask(api.GET('/api/v1/lots', { signal })));
  const known = lots.data ?? [];
  const sites = [...new Set(known.map(({ site }) => site))];
  const places = [
    { value: '', label: t('reports.allLots') },
    ...sites.flatMap((site) => [
      { value: site, label: t('reports.allOf', { site }) },
      ...known
        .filter((each) => each.site === site)
        .map(({ lot, name }) => ({ value: `${site}/${lot}`, label: `  ${name ?? lot}` })),
    ]),
  ];
  const preset = PRESETS.find((each) => {
    const { from, to } = daysOf(each, today);
    return from === days.from && to === days.to;
  });
  const typed = (name: string) => (event: Event) =>
    set({ [name]: (event.currentTarget as HTMLInputElement).value });
  return (
    <Card class="no-print">
      <div class="report-choice">
        <Select
          label={t('reports.place')}
          value={place}
          options={places}
          onChange={(value) => set({ place: value })}
        />
        <Select
          label={t('reports.period')}
          value={preset ?? ''}
          options={[
            ...PRESETS.map((value) => ({ value, label: t(`reports.preset.${value}`) })),
            ...(preset ? [] : [{ value: '', label: t('reports.preset.own') }]),
          ]}
          onChange={(value) => value && set({ ...daysOf(value as PresetId, today) })}
        />
        <Field
          label={t('reports.from')}
          type="date"
          value={days.from}
          max={days.to}
          onChange={typed('from')}
        />
        <Field label={t('reports.to')} type="date" value={days.to} min={days.from} onChange={typed('to')} />
        <Select
          label={t('reports.compared')}
          value={compared}
          options={(['before', 'year', 'none'] as const).map((value) => ({
            value,
            label: t(`reports.compared.${value}`),
          }))}
          onChange={(value) => set({ compared: value })}
        />
      </div>
    </Card>
  );
}
