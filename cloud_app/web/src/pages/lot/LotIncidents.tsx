import { ShieldCheck } from 'lucide-preact';
import { api, ask } from '../../api/client';
import { useLive } from '../../api/live';
import type { Incident } from '../../api/types';
import { useData } from '../../api/useData';
import { Card } from '../../components/Card';
import { Loaded, Notice } from '../../components/states';
import { Ago } from '../../components/Time';
import { t, word } from '../../i18n';
import { span } from '../../i18n/format';

/** Vehicles that stand as they should not, and those that did lately. */
export function LotIncidents({ site, lot, zone }: { site: string; lot: string; zone: string | null }) {
  const incidents = useData<readonly Incident[]>(`incidents ${site}/${lot}`, (signal) =>
    ask(api.GET('/api/v1/incidents', { params: { query: { site, lot, limit: 8 } }, signal })),
  );
  useLive({}, { change: incidents.reload, resync: incidents.reload });
  const more = `/incidents?${new URLSearchParams({ site, lot })}`;
  return (
    <Card title={t('nav.incidents')} flush tools={<a href={more}>{t('lot.allIncidents')}</a>}>
      <Loaded of={incidents}>
        {(found) =>
          found.length ? (
            <ul class="happenings">
              {found.map((incident) => (
                <li key={`${incident.edge} ${incident.incident}`}>
                  <span class="grow">
                    <span class="strong">{word('incident', incident.kind)}</span>{' '}
                    <span class="soft">
                      {[incident.bays.join(', '), incident.area, incident.vehicle]
                        .filter(Boolean)
                        .join(' · ')}
                    </span>
                    <br />
                    <span class="soft small">
                      <Ago at={incident.began} zone={zone} /> ·{' '}
                      {t('incident.stood', { span: span(incident.stood_s) })}
                    </span>
                  </span>
                  {incident.ended ? (
                    <span class="badge">{t('incident.over')}</span>
                  ) : (
                    <span class="badge warn">{incident.stale ? t('bay.stale') : t('incident.open')}</span>
                  )}
                </li>
              ))}
            </ul>
          ) : (
            <Notice title={t('lot.noIncidents')} icon={ShieldCheck} />
          )
        }
      </Loaded>
    </Card>
  );
}
