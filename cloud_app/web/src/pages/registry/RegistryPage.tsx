/** The registry: what there is, kind by kind. */

import { Plus } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { api, ask, fileUrl } from '../../api/client';
import { useData } from '../../api/useData';
import { usePages } from '../../api/usePages';
import { may } from '../../app/session';
import { Button } from '../../components/Button';
import { type Column, DataList, type Filter } from '../../components/DataList';
import { Page } from '../../components/Page';
import { sortParam } from '../../components/sorting';
import { Notice } from '../../components/states';
import { Ago } from '../../components/Time';
import { useListQuery } from '../../components/useListQuery';
import { t, word } from '../../i18n';
import { IDS, isKind, KINDS, type Kind, shown, type Thing, thingHref } from './fields';
import { NewThing } from './NewThing';
import { PAGE, things } from './registry';
import './registry.css';

/** The facts that a list shows. */
const COLUMNS: Record<Kind, readonly string[]> = {
  lots: ['name', 'placement', 'levels', 'city'],
  zones: ['name', 'level'],
  bays: ['zone', 'level', 'kind', 'angle'],
  sites: ['name', 'operator', 'time_zone', 'city'],
  devices: ['name', 'kind', 'site', 'lot'],
  operators: ['name', 'council', 'contact'],
  councils: ['name', 'contact'],
};

/** Columns that the API sorts by; `type` is the fact that says which type of its kind a thing is. */
const ORDERS = ['key', 'name', 'type', 'changed'] as const;
const TYPES: Partial<Record<Kind, string>> = { lots: 'placement', bays: 'kind', devices: 'kind' };

export function RegistryPage(route: { kind?: string }) {
  const kind = route.kind ?? 'lots';
  if (!isKind(kind)) {
    return (
      <Page title={t('nav.registry')} above={[{ label: t('nav.registry'), href: '/registry' }]}>
        <Notice title={t('state.notFound')}>
          <p>{t('state.nothingThere')}</p>
        </Notice>
      </Page>
    );
  }
  return <OneKind key={kind} kind={kind} />;
}

function OneKind({ kind }: { kind: Kind }) {
  const query = useListQuery(['site', 'lot']);
  const { route } = useLocation();
  const [isNew, setNew] = useState(false);
  const { site, lot, q, sort } = query.values;
  const needsLot = IDS[kind].length === 3;
  const wanted = {
    ...(site && (kind === 'lots' || kind === 'devices' || needsLot) && { site }),
    ...(site && lot && needsLot && { lot }),
    ...(q && { q: q.slice(0, 100) }),
    ...sortParam(sort, ORDERS),
  };
  const { rows, more } = usePages<Thing, string>(
    `registry ${kind} ${JSON.stringify(wanted)}`,
    (after, signal) => things(kind, wanted, after, signal),
    { size: PAGE, cursor: ({ key }) => key, rowKey: ({ key }) => key },
  );
  const filters = useFilters(kind, site);
  return (
    <Page
      title={t('nav.registry')}
      tools={
        may('registry') && (
          <Button tone="primary" icon={Plus} onClick={() => setNew(true)}>
            {t('registry.new')}
          </Button>
        )
      }
    >
      <nav class="kinds" aria-label={t('registry.kinds')}>
        {KINDS.map((each) => (
          <a key={each} href={`/registry/${each}`} aria-current={each === kind ? 'page' : undefined}>
            {t(`registry.${each}`)}
          </a>
        ))}
      </nav>
      <DataList
        label={t(`registry.${kind}`)}
        of={rows}
        query={query}
        columns={columns(kind)}
        rowKey={({ key }) => key}
        href={({ key }) => thingHref(kind, key)}
        filters={filters}
        hasSearch
        more={more}
        exportUrl={() => fileUrl(`/api/v1/registry/${kind}`, { ...wanted, format: 'csv' })}
        empty={{ title: t('registry.none'), hint: t('registry.noneHint') }}
      />
      {isNew && (
        <NewThing
          kind={kind}
          ids={{ ...(site && { site }), ...(lot && { lot }) }}
          onDone={(key) => {
            setNew(false);
            if (key) route(`${thingHref(kind, key)}?edit=yes`);
          }}
        />
      )}
    </Page>
  );
}

function useFilters(kind: Kind, site: string | undefined): Filter[] {
  const sites = useData('sites', (signal) => ask(api.GET('/api/v1/sites', { signal })));
  if (!IDS[kind].includes('site') && kind !== 'devices') return [];
  if (kind === 'sites') return [];
  const plain = (texts: readonly string[]) => texts.map((value) => ({ value, label: value }));
  const lots = sites.data?.find((each) => each.site === site)?.lots ?? [];
  return [
    { id: 'site', label: t('kind.site'), options: plain((sites.data ?? []).map((each) => each.site)) },
    ...(IDS[kind].length === 3 && site ? [{ id: 'lot', label: t('kind.lot'), options: plain(lots) }] : []),
  ];
}

function columns(kind: Kind): Column<Thing>[] {
  return [
    { id: 'key', head: t('registry.key'), phone: 'title', cell: ({ key }) => key, sort: 'api' },
    ...COLUMNS[kind].map((name): Column<Thing> => {
      const sortedBy = name === 'name' || name === TYPES[kind] ? ({ sort: 'api' } as const) : {};
      return {
        id: name === TYPES[kind] ? 'type' : name,
        head: word('field', name),
        cell: ({ facts }) => shown(name, facts[name]),
        ...sortedBy,
      };
    }),
    {
      id: 'said',
      head: t('registry.said'),
      phone: 'hidden',
      cell: ({ said_by }) =>
        [...new Set(Object.values(said_by))].map((who) => word('speaker', who)).join(', '),
    },
    {
      id: 'changed',
      head: t('registry.changed'),
      cell: ({ changed }) => <Ago at={changed} />,
      sort: 'api',
    },
  ];
}
