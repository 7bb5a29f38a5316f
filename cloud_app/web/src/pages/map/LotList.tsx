import { MapPinOff } from 'lucide-preact';
import { useMemo, useState } from 'preact/hooks';
import { fileUrl } from '../../api/client';
import { Button } from '../../components/Button';
import { Meter, Occupancy } from '../../components/counts';
import { SearchField } from '../../components/DataList';
import { Export } from '../../components/Export';
import { Segments, Select } from '../../components/Field';
import type { Box } from '../../components/graticule';
import type { ListQuery } from '../../components/useListQuery';
import { t, tn } from '../../i18n';
import { count } from '../../i18n/format';
import { FILTERS, hrefOf, listed, type MapLot, type Show, SORTS, type Sort, titleOf } from './lots';

interface LotListProps {
  lots: readonly MapLot[];
  seen: Box | undefined;
  query: ListQuery;
  show: Show;
  sort: Sort;
  onMark: (key: string) => void;
}

const STEP = 60;

export function LotList({ lots, seen, query, show, sort, onMark }: LotListProps) {
  const rows = useMemo(() => listed(lots, seen, sort), [lots, seen, sort]);
  const [shown, setShown] = useState(STEP);
  return (
    <>
      <div class="lot-tools">
        <SearchField
          value={query.values.q ?? ''}
          label={t('map.searchLots')}
          onChange={(q) => query.set({ q })}
        />
        <div class="row between">
          <Segments<Show>
            label={t('list.filters')}
            value={show}
            options={FILTERS.map((value) => ({ value, label: t(`map.show.${value}`) }))}
            onChange={(value) => query.set({ show: value === 'all' ? '' : value })}
          />
        </div>
        <div class="row between small soft">
          <span class="num" aria-live="polite">
            {tn('map.inView', rows.length)}
          </span>
          <Select
            label={t('list.sort')}
            hideLabel
            value={sort}
            options={SORTS.map((value) => ({ value, label: t(`map.sort.${value}`) }))}
            onChange={(value) => query.set({ sort: value === SORTS[0] ? '' : value })}
          />
        </div>
      </div>
      <ul class="lots" onMouseLeave={() => onMark('')}>
        {rows.slice(0, shown).map((lot) => (
          <LotRow key={lot.key} lot={lot} onMark={onMark} />
        ))}
      </ul>
      {rows.length === 0 && <p class="notice soft">{t('map.noneInView')}</p>}
      <div class="lot-foot row between">
        {rows.length > shown ? (
          <Button size="small" onClick={() => setShown(shown + 4 * STEP)}>
            {t('list.more')}
          </Button>
        ) : (
          <span />
        )}
        <Export href={fileUrl('/api/v1/lots', { format: 'csv', site: query.values.site })} />
      </div>
    </>
  );
}

function LotRow({ lot, onMark }: { lot: MapLot; onMark: (key: string) => void }) {
  return (
    <li>
      <a
        class="lot-row"
        href={hrefOf(lot)}
        onMouseEnter={() => onMark(lot.key)}
        onFocus={() => onMark(lot.key)}
      >
        <Occupancy share={lot.occupancy} />
        <span class="grow">
          <span class="row between">
            <span class="strong clip">{titleOf(lot)}</span>
            <span
              class="num nowrap"
              title={t('overview.availableOf', { n: count(lot.available), of: count(lot.capacity) })}
            >
              <span class="strong">{count(lot.free)}</span>{' '}
              <span class="soft small">/ {count(lot.bays)}</span>
            </span>
          </span>
          <span class="row between">
            <span class="soft small clip">{lot.site}</span>
            <LotState lot={lot} />
          </span>
          <Meter counts={lot} />
        </span>
      </a>
    </li>
  );
}

export function LotState({ lot }: { lot: MapLot }) {
  return (
    <span class="row">
      {!lot.point && (
        <span class="badge" title={t('map.noPlaceHint')}>
          <MapPinOff size={12} aria-hidden="true" /> {t('map.noPlace')}
        </span>
      )}
      {lot.state !== 'live' && <span class="badge warn">{t(`lot.state.${lot.state}`)}</span>}
    </span>
  );
}
