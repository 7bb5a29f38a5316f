/** A report as it is read and printed. */

import type { Figures, Report } from '../../api/types';
import { Card } from '../../components/Card';
import { Scroller } from '../../components/Form';
import { t, tn, word } from '../../i18n';
import { count, percent, span } from '../../i18n/format';
import { DayBars, LengthBars } from './bars';
import { HeatMap } from './HeatMap';
import { dateText, observedText, pointsText, REFUSED, rateText, shareText, weekdayText } from './reports';

export function ReportView({ report }: { report: Report }) {
  const { total, compared } = report;
  return (
    <div class="stack report">
      <p class="soft num">
        {dateText(report.first)} – {dateText(report.last)} · {report.time_zones.join(', ')}
      </p>
      <Tiles report={report} />
      <Card title={t('reports.heat')}>
        <HeatMap cells={report.heat} />
        <p class="small soft">{t('reports.heatNote')}</p>
      </Card>
      {compared && compared.total.occupancy.value !== null && (
        <Card
          title={t('reports.heatBefore', { first: dateText(compared.first), last: dateText(compared.last) })}
        >
          <HeatMap cells={compared.heat} />
        </Card>
      )}
      <Card title={t('reports.days')}>
        <DayBars days={report.days} />
      </Card>
      {total.stays.count > 0 && (
        <Card title={t('reports.lengths')}>
          <LengthBars counts={total.stays.lengths} boundsMin={report.length_bounds_min} />
          {total.stays.unsure > 0 && <p class="small soft">{tn('reports.unsure', total.stays.unsure)}</p>}
        </Card>
      )}
      {report.lots.length > 1 && (
        <FiguresTable title={t('reports.lots')} rows={report.lots} before={compared?.lots ?? []} />
      )}
      {report.zones.length > 1 && (
        <FiguresTable
          title={t('reports.zones')}
          rows={report.zones.map((each) => ({ ...each, name: each.name || t('lot.noZone') }))}
        />
      )}
      {report.kinds.length > 1 && (
        <FiguresTable
          title={t('reports.kinds')}
          rows={report.kinds.map((each) => ({ ...each, name: word('bayKind', each.name) }))}
        />
      )}
      <Availability report={report} />
      <p class="small soft">{t('reports.note')}</p>
    </div>
  );
}

function Tiles({ report: { total, compared } }: { report: Report }) {
  const { peak, unmet, stays } = total;
  const full = unmet.full_min;
  const before = compared?.total;
  return (
    <dl class="tiles num">
      <Tile
        name={t('reports.occupancy')}
        value={shareText(total.occupancy)}
        hint={
          before && before.occupancy.value !== null
            ? pointsText(before.occupancy, total.occupancy)
            : observedText(total.occupancy)
        }
      />
      <Tile
        name={t('reports.peak')}
        value={peak ? percent(peak.occupancy) : REFUSED}
        hint={peak ? peakText(peak.start) : ''}
      />
      <Tile
        name={t('reports.full')}
        value={full.value === null ? REFUSED : span(full.value * 60)}
        hint={
          unmet.longest_min
            ? t('reports.longest', { span: span(unmet.longest_min * 60) })
            : observedText(full)
        }
      />
      <Tile
        name={t('reports.turnover')}
        value={rateText(stays.turnover_per_day)}
        hint={tn('reports.stays', stays.count)}
      />
      <Tile
        name={t('reports.median')}
        value={stays.median_min === null ? REFUSED : span(stays.median_min * 60)}
        hint={stays.p90_min === null ? '' : t('reports.p90', { span: span(stays.p90_min * 60) })}
      />
      <Tile
        name={t('reports.observed')}
        value={percent(total.occupancy.observed)}
        hint={t('reports.ofTime')}
      />
    </dl>
  );
}

/** A local time, which has no zone: the site's clock showed it. */
function peakText(start: string): string {
  const at = new Date(`${start.slice(0, 16)}:00Z`);
  return `${weekdayText((at.getUTCDay() + 6) % 7)} ${dateText(start)}, ${start.slice(11, 16)}`;
}

function Tile({ name, value, hint }: { name: string; value: string; hint: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="value">{value}</dd>
      <dd class="hint">{hint}</dd>
    </div>
  );
}

interface FiguresTableProps {
  title: string;
  rows: readonly Figures[];
  before?: readonly Figures[];
}

function FiguresTable({ title, rows, before = [] }: FiguresTableProps) {
  const earlier = new Map(before.map((each) => [`${each.site}/${each.lot}`, each]));
  return (
    <Card title={title} flush>
      <Scroller>
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">
                <span class="sr-only">{title}</span>
              </th>
              {(['bays', 'occupancy', 'fullShare', 'turnover', 'median', 'observed'] as const).map((head) => (
                <th key={head} scope="col" class="end">
                  {t(`reports.${head}`)}
                </th>
              ))}
              {before.length > 0 && (
                <th scope="col" class="end">
                  {t('reports.change')}
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {rows.map((each) => {
              const other = earlier.get(`${each.site}/${each.lot}`);
              const median = each.stays.median_min;
              return (
                <tr key={`${each.site}/${each.lot}/${each.name}`}>
                  <th scope="row">
                    {each.site && each.lot ? (
                      <a href={`/lots/${encodeURIComponent(each.site)}/${encodeURIComponent(each.lot)}`}>
                        {each.name}
                      </a>
                    ) : (
                      each.name
                    )}
                  </th>
                  <td class="end num">{count(each.bays)}</td>
                  <td class="end num strong">{shareText(each.occupancy)}</td>
                  <td class="end num">{shareText(each.unmet.share)}</td>
                  <td class="end num">{rateText(each.stays.turnover_per_day)}</td>
                  <td class="end num">{median === null ? REFUSED : span(median * 60)}</td>
                  <td class="end num">{percent(each.occupancy.observed)}</td>
                  {before.length > 0 && (
                    <td class="end num">{other ? pointsText(other.occupancy, each.occupancy) : REFUSED}</td>
                  )}
                </tr>
              );
            })}
          </tbody>
        </table>
      </Scroller>
    </Card>
  );
}

function Availability({ report: { availability } }: { report: Report }) {
  const { bay_hours: whole, known, causes, away_bay_hours: away } = availability;
  const causeText = (cause: string) =>
    cause === 'not_kept'
      ? t('reports.notKept')
      : cause === 'no_record'
        ? t('reports.noRecord')
        : word('reason', cause);
  return (
    <Card title={t('reports.availability')} flush>
      <Scroller>
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">{t('reports.cause')}</th>
              <th scope="col" class="end">
                {t('reports.bayHours')}
              </th>
              <th scope="col" class="end">
                {t('reports.share')}
              </th>
            </tr>
          </thead>
          <tbody>
            <Line name={t('reports.known')} hours={whole * known} share={known} />
            {causes.map((each) => (
              <Line key={each.cause} name={causeText(each.cause)} hours={each.bay_hours} share={each.share} />
            ))}
            {away > 0 && <Line name={t('reports.away')} hours={away} share={whole ? away / whole : 0} />}
          </tbody>
        </table>
      </Scroller>
    </Card>
  );
}

function Line({ name, hours, share }: { name: string; hours: number; share: number }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="end num">{count(Math.round(hours))}</td>
      <td class="end num">{percent(share)}</td>
    </tr>
  );
}
