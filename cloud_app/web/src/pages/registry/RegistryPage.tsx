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
import { Ago } from '../../components/Time';
import { useListQuery } from '../../components/useListQuery';
import { t, word } from '../../i18n';
import { IDS, isKind, KINDS, type Kind, shown, type Thing, textOf, thingHref } from './fields';
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

export function RegistryPage(route: { kind?: string }) {
  const kind = route.kind && isKind(route.kind) ? route.kind : 'lots';
  return <OneKind key={kind} kind={kind} />;
}

function OneKind({ kind }: { kind: Kind }) {
  const query = useListQuery(['site', 'lot']);
  const { route } = useLocation();
  const [isNew, setNew] = useState(false);
  const { site, lot } = query.values;
  const needsLot = IDS[kind].length === 3;
  const parent = {
    ...(site && (kind === 'lots' || kind === 'devices' || (needsLot && lot)) && { site }),
    ...(site && lot && needsLot && { lot }),
  };
  const { rows, more } = usePages<Thing, string>(
    `registry ${kind} ${JSON.stringify(parent)}`,
    (after, signal) => things(kind, parent, after, signal),
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
        text={({ key, facts }) => [key, ...COLUMNS[kind].map((name) => textOf(facts[name]))].join(' ')}
        match={({ key }, values) => !values.site || !needsLot || key.startsWith(`${values.site}/`)}
        more={more}
        exportUrl={() => fileUrl(`/api/v1/registry/${kind}`, { ...parent, format: 'csv' })}
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
    { id: 'key', head: t('registry.key'), phone: 'title', cell: ({ key }) => key, sort: ({ key }) => key },
    ...COLUMNS[kind].map((name) => ({
      id: name,
      head: word('field', name),
      cell: ({ facts }: Thing) => shown(name, facts[name]),
      sort: ({ facts }: Thing) => textOf(facts[name]) || null,
    })),
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
      sort: ({ changed }) => Date.parse(changed),
    },
  ];
}
