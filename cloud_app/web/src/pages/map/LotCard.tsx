import { ArrowRight, X } from 'lucide-preact';
import { ButtonLink, IconButton } from '../../components/Button';
import { Legend, Meter, Occupancy } from '../../components/counts';
import { t } from '../../i18n';
import { count } from '../../i18n/format';
import { LotState } from './LotList';
import { hrefOf, type MapLot, titleOf } from './lots';

/** The lot that was clicked on the map. */
export function LotCard({ lot, onClose }: { lot: MapLot; onClose: () => void }) {
  return (
    <aside class="lot-card card" aria-label={titleOf(lot)}>
      <div class="row between">
        <div class="grow">
          <h2 class="clip">{titleOf(lot)}</h2>
          <p class="soft small clip">{lot.site}</p>
        </div>
        <IconButton label={t('action.close')} icon={X} quiet size="small" onClick={onClose} />
      </div>
      <p class="row between">
        <span>
          <b class="num">{count(lot.free)}</b>{' '}
          <span class="soft">{t('overview.freeOf', { n: count(lot.bays) })}</span>
          <br />
          <span class="soft small num">
            {t('overview.availableOf', { n: count(lot.available), of: count(lot.capacity) })}
          </span>
        </span>
        <Occupancy share={lot.occupancy} />
      </p>
      <Meter counts={lot} />
      <Legend counts={lot} />
      <div class="row between">
        <LotState lot={lot} />
        <ButtonLink href={hrefOf(lot)} tone="primary" icon={ArrowRight}>
          {t('lot.open')}
        </ButtonLink>
      </div>
    </aside>
  );
}
