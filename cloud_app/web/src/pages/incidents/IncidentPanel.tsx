/** One incident: where, what, how long. */

import { X } from 'lucide-preact';
import type { Incident } from '../../api/types';
import { IconButton } from '../../components/Button';
import { Facts } from '../../components/Form';
import { Ago, At } from '../../components/Time';
import { t, word } from '../../i18n';
import { percent, span } from '../../i18n/format';
import { IncidentState } from './IncidentsPage';
import { placeHref } from './incidents';

export function IncidentPanel({ incident, onClose }: { incident: Incident; onClose: () => void }) {
  const { site, lot, bays, edge, box } = incident;
  const title = word('incident', incident.kind);
  const lotHref = placeHref({ site, lot, bays: [] });
  return (
    <aside class="card panel" aria-label={title}>
      <header>
        <h2>{title}</h2>
        <IncidentState incident={incident} />
        <IconButton label={t('action.close')} icon={X} quiet size="small" onClick={onClose} />
      </header>
      <div class="body stack">
        {box?.length === 4 && <Frame box={box} camera={incident.camera} />}
        <Facts
          facts={[
            [t('kind.site'), site],
            [
              t('kind.lot'),
              lotHref && (
                <a key="lot" href={lotHref}>
                  {lot}
                </a>
              ),
            ],
            [
              t('lot.bays'),
              bays.length > 0 && (
                <span key="bays" class="row wrap">
                  {bays.map((bay) => {
                    const href = placeHref(incident, bay);
                    return href ? (
                      <a key={bay} href={href}>
                        {bay}
                      </a>
                    ) : (
                      <span key={bay}>{bay}</span>
                    );
                  })}
                </span>
              ),
            ],
            [t('incidents.area'), incident.area],
            [t('incidents.vehicle'), incident.vehicle && word('vehicle', incident.vehicle)],
            [t('lot.confidence'), percent(incident.conf)],
            [
              t('incidents.began'),
              <span key="began">
                <At at={incident.began} site={site} />{' '}
                <span class="soft">
                  (<Ago at={incident.began} site={site} />)
                </span>
              </span>,
            ],
            [t('incidents.lastSeen'), <At key="seen" at={incident.last_seen} site={site} />],
            [t('incidents.stood'), span(incident.stood_s)],
            [t('incidents.allowed'), incident.limit_s !== null && span(incident.limit_s)],
            [t('incidents.ended'), incident.ended && <At key="ended" at={incident.ended} site={site} />],
            [t('incidents.end'), incident.end && word('incidentEnd', incident.end)],
            [
              t('lot.source'),
              <span key="source">
                {t('lot.sourceCamera', { camera: incident.camera })} ·{' '}
                <a href={`/edges/${encodeURIComponent(edge)}`}>{edge}</a>
              </span>,
            ],
          ]}
        />
        {incident.stale && <p class="soft small">{t('incidents.staleHint')}</p>}
      </div>
    </aside>
  );
}

/** Where in the camera's picture the vehicle stands; the picture itself never leaves the box. */
function Frame({ box, camera }: { box: readonly number[]; camera: string }) {
  const [left = 0, top = 0, right = 0, bottom = 0] = box;
  return (
    <figure class="frame">
      <svg viewBox="0 0 160 90" role="img" aria-label={t('incidents.inPicture', { camera })}>
        <rect
          x={left * 160}
          y={top * 90}
          width={Math.max(2, (right - left) * 160)}
          height={Math.max(2, (bottom - top) * 90)}
          rx="1"
        />
      </svg>
      <figcaption class="soft small">{t('incidents.inPicture', { camera })}</figcaption>
    </figure>
  );
}
