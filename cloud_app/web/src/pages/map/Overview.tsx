import type { Overview as Figures } from '../../api/types';
import { Meter } from '../../components/counts';
import { t, tn } from '../../i18n';
import { count, percent } from '../../i18n/format';

/** The city in four numbers. */
export function Overview({ of: { counts, occupancy, lots, edges } }: { of: Figures }) {
  return (
    <div class="overview">
      <div class="row between">
        <p>
          <b class="num">{count(counts.free)}</b>{' '}
          <span class="soft">{t('overview.freeOf', { n: count(counts.bays) })}</span>
          <br />
          <span class="soft small num">
            {t('overview.availableOf', { n: count(counts.available), of: count(counts.capacity) })}
          </span>
        </p>
        <p class="soft num">{occupancy === null ? '–' : t('lot.occupied', { share: percent(occupancy) })}</p>
      </div>
      <Meter counts={counts} />
      <p class="soft small num row between">
        <span>{tn('overview.lots', lots)}</span>
        <a href="/edges?state=stale" class={edges.stale ? 'warn' : ''}>
          {edges.stale
            ? t('overview.edgesAway', { n: count(edges.stale), all: count(edges.online + edges.stale) })
            : tn('overview.edgesOnline', edges.online)}
        </a>
      </p>
    </div>
  );
}
