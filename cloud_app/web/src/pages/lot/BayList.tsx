import { StateWord } from '../../components/counts';
import { type Column, DataList } from '../../components/DataList';
import { Ago } from '../../components/Time';
import { useListQuery } from '../../components/useListQuery';
import { t, word } from '../../i18n';
import { percent } from '../../i18n/format';
import type { LotBay } from './bays';
import type { PlanProps } from './PlanView';

const columns = (): Column<LotBay>[] => [
  { id: 'bay', head: t('lot.bay'), cell: ({ label }) => label, sort: ({ label }) => label },
  {
    id: 'state',
    head: t('lot.state'),
    cell: ({ state }) => <StateWord state={state} />,
    sort: ({ state }) => state,
  },
  {
    id: 'since',
    head: t('lot.since'),
    cell: ({ now }) => (now?.since ? <Ago at={now.since} /> : '–'),
    sort: ({ now }) => now?.since,
  },
  {
    id: 'conf',
    head: t('lot.confidence'),
    cell: ({ now }) => (now && now.conf !== null ? percent(now.conf) : '–'),
    sort: ({ now }) => now?.conf,
    isNumber: true,
  },
  { id: 'zone', head: t('lot.zone'), cell: ({ zone }) => zone ?? '–', sort: ({ zone }) => zone },
  { id: 'kind', head: t('lot.kind'), cell: ({ kind }) => word('bayKind', kind), sort: ({ kind }) => kind },
  {
    id: 'camera',
    head: t('lot.camera'),
    cell: ({ camera }) => camera,
    sort: ({ camera }) => camera,
    phone: 'hidden',
  },
];

export function BayList({ bays }: PlanProps) {
  const query = useListQuery(['state']);
  const states = ['free', 'occupied', 'unknown', 'stale', 'closed'] as const;
  const here = (key: string) => {
    const next = new URLSearchParams(location.search);
    next.set('bay', key);
    return `${location.pathname}?${next}`;
  };
  return (
    <DataList
      label={t('lot.bays')}
      of={{ data: bays, error: undefined, isLoading: false, reload: () => undefined, patch: () => undefined }}
      query={query}
      columns={columns()}
      rowKey={({ key }) => key}
      href={({ key }) => here(key)}
      text={({ label, zone, camera }) => `${label} ${zone ?? ''} ${camera}`}
      filters={[
        {
          id: 'state',
          label: t('lot.state'),
          options: states.map((value) => ({ value, label: t(`bay.${value}`) })),
        },
      ]}
      match={({ state }, { state: wanted }) => !wanted || state === wanted}
      defaultSort="bay"
      empty={{ title: t('bay.none') }}
    />
  );
}
