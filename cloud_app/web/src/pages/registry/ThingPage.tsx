/** One thing of the registry: what is known of it, who said so, and how that changed. */

import { Pencil, Trash2, Undo2 } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { ApiError } from '../../api/client';
import { type Data, useData } from '../../api/useData';
import { may } from '../../app/session';
import { toast, toastError } from '../../app/toasts';
import { Button } from '../../components/Button';
import { Card } from '../../components/Card';
import { Confirm } from '../../components/Confirm';
import { Page } from '../../components/Page';
import { Loaded, Notice } from '../../components/states';
import { Ago, At } from '../../components/Time';
import { useListQuery } from '../../components/useListQuery';
import { t, word } from '../../i18n';
import { type Change, differs, FIELDS, isKind, type Kind, shown, type Thing } from './fields';
import { history, remove, revert, thing } from './registry';
import { ThingForm } from './ThingForm';
import './registry.css';

export function ThingPage(route: { kind: string; name: string }) {
  const key = route.name;
  if (!isKind(route.kind)) return <Notice title={t('state.notFound')} />;
  return <OneThing key={`${route.kind} ${key}`} kind={route.kind} name={key} />;
}

function OneThing({ kind, name }: { kind: Kind; name: string }) {
  const query = useListQuery(['edit']);
  const found = useData<Thing>(`thing ${kind} ${name}`, (signal) => thing(kind, name, signal));
  const changes = useData<readonly Change[]>(
    found.data ? `history ${kind} ${name} ${found.data.version}` : null,
    (signal) => history(kind, name, signal),
  );
  const isEditing = query.values.edit === 'yes' && may('registry');
  const shownAs = (now: Thing) => {
    found.patch(() => now);
    query.set({ edit: '' });
  };
  return (
    <Page
      title={String(found.data?.facts.name ?? name)}
      above={[
        { label: t('nav.registry'), href: '/registry' },
        { label: t(`registry.${kind}`), href: `/registry/${kind}` },
      ]}
      tools={
        may('registry') &&
        found.data &&
        !isEditing && <Tools kind={kind} thing={found.data} onEdit={() => query.set({ edit: 'yes' })} />
      }
    >
      <Loaded of={found}>
        {(now) => (
          <div class="columns registry">
            <div class="stack">
              {isEditing ? (
                <Card title={t('registry.edit')}>
                  <ThingForm
                    kind={kind}
                    thing={now}
                    onSaved={shownAs}
                    onCancel={() => query.set({ edit: '' })}
                  />
                </Card>
              ) : (
                <Card title={t('registry.facts')} flush>
                  <FactTable kind={kind} of={found} thing={now} />
                </Card>
              )}
            </div>
            <div class="stack">
              <Related kind={kind} thing={now} />
              <Card title={t('registry.history')} flush>
                <Loaded of={changes}>{(list) => <History changes={list} zone={now.time_zone} />}</Loaded>
              </Card>
            </div>
          </div>
        )}
      </Loaded>
    </Page>
  );
}

function Tools({ kind, thing: now, onEdit }: { kind: Kind; thing: Thing; onEdit: () => void }) {
  const [isAsking, setAsking] = useState(false);
  const { route } = useLocation();
  const go = async () => {
    setAsking(false);
    try {
      await remove(kind, now);
      toast(t('registry.deleted', { what: now.key }), 'good');
      route(`/registry/${kind}`);
    } catch (error) {
      toastError(error);
    }
  };
  return (
    <span class="row">
      <Button icon={Trash2} tone="danger" onClick={() => setAsking(true)}>
        {t('action.delete')}
      </Button>
      <Button icon={Pencil} tone="primary" onClick={onEdit}>
        {t('registry.edit')}
      </Button>
      {isAsking && (
        <Confirm
          title={t('registry.deleteTitle')}
          text={t('registry.deleteHint', { what: now.key })}
          action={t('action.delete')}
          onConfirm={go}
          onClose={() => setAsking(false)}
        />
      )}
    </span>
  );
}

/** Where else it is seen, and what belongs to it. */
function Related({ kind, thing: { ids } }: { kind: Kind; thing: Thing }) {
  const part = encodeURIComponent;
  const { site, lot, bay, device } = ids;
  const inLot = site && lot && new URLSearchParams({ site, lot });
  const links: [string, string][] = [
    ...(site && lot
      ? ([[t('registry.toLot'), `/lots/${part(site)}/${part(lot)}${bay ? `?bay=${part(bay)}` : ''}`]] as [
          string,
          string,
        ][])
      : []),
    ...(kind === 'lots' && inLot
      ? ([
          [t('registry.zones'), `/registry/zones?${inLot}`],
          [t('registry.bays'), `/registry/bays?${inLot}`],
        ] as [string, string][])
      : []),
    ...(kind === 'sites' && site
      ? ([
          [t('registry.lots'), `/registry/lots?site=${part(site)}`],
          [t('registry.devices'), `/registry/devices?site=${part(site)}`],
        ] as [string, string][])
      : []),
    ...(device ? ([[t('registry.toEdge'), `/edges/${part(device)}`]] as [string, string][]) : []),
  ];
  if (!links.length) return null;
  return (
    <Card title={t('registry.related')}>
      <ul class="related">
        {links.map(([label, href]) => (
          <li key={href}>
            <a href={href}>{label}</a>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function FactTable({ kind, of, thing: now }: { kind: Kind; of: Data<Thing>; thing: Thing }) {
  const back = async (name: string) => {
    try {
      const done = await revert(kind, now, [name]);
      of.patch(() => done);
      toast(t('registry.reverted', { fact: word('field', name) }), 'good');
    } catch (error) {
      if (error instanceof ApiError && error.status === 412) {
        of.patch(() => error.body as Thing);
        toast(t('registry.changedMeanwhile'), 'bad');
      } else toastError(error);
    }
  };
  const said = FIELDS[kind].filter(({ name }) => name in now.said_by || now.facts[name] != null);
  if (!said.length) return <Notice title={t('registry.nothing')} />;
  return (
    <table class="plain wrap said">
      <thead>
        <tr>
          <th scope="col">{t('registry.fact')}</th>
          <th scope="col">{t('registry.value')}</th>
          <th scope="col">{t('registry.said')}</th>
        </tr>
      </thead>
      <tbody>
        {said.map(({ name }) => (
          <tr key={name}>
            <th scope="row">{word('field', name)}</th>
            <td>
              {shown(name, now.facts[name])}
              {differs(now, name) && (
                <span class="differs">
                  {t('registry.layoutSays', { value: shown(name, now.layout[name]) })}
                  {may('registry') && (
                    <Button size="small" quiet icon={Undo2} onClick={() => back(name)}>
                      {t('registry.revert')}
                    </Button>
                  )}
                </span>
              )}
            </td>
            <td>
              <span class={`badge ${now.said_by[name] === 'person' ? 'info' : ''}`}>
                {word('speaker', now.said_by[name] ?? '')}
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function History({ changes, zone }: { changes: readonly Change[]; zone: string | null }) {
  return (
    <ol class="changes">
      {changes.map((change) => (
        <li key={change.version}>
          <p>
            <span class="strong">{word('registryAction', change.action)}</span>{' '}
            <span class="soft small">
              {change.actor} · <Ago at={change.at} zone={zone} />
            </span>
          </p>
          <ul>
            {Object.keys(change.after).map((name) => (
              <li key={name} class="small">
                <span class="soft">{word('field', name)}:</span>{' '}
                {change.before[name] != null && <del>{shown(name, change.before[name])}</del>}{' '}
                {shown(name, change.after[name])}
              </li>
            ))}
          </ul>
          <p class="soft small">
            <At at={change.at} zone={zone} />
          </p>
        </li>
      ))}
    </ol>
  );
}
