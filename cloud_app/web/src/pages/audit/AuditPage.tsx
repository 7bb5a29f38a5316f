/** The audit log: who did what, when, from where. */

import { Bot, KeyRound, Server, User } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { api, ask, fileUrl } from '../../api/client';
import type { AuditLine } from '../../api/types';
import { useData } from '../../api/useData';
import { usePages } from '../../api/usePages';
import { may } from '../../app/session';
import { Button } from '../../components/Button';
import { type Column, DataList, SearchField } from '../../components/DataList';
import { Dialog } from '../../components/Dialog';
import { Export } from '../../components/Export';
import { Facts, Scroller } from '../../components/Form';
import { Page } from '../../components/Page';
import { At } from '../../components/Time';
import { useListQuery } from '../../components/useListQuery';
import { t, word } from '../../i18n';
import { fullTime } from '../../i18n/format';
import { ACTIONS, actionText, auditQuery, changesOf } from './audit';
import './audit.css';

const PAGE = 100;
const ICONS = { person: User, key: KeyRound, token: KeyRound, system: Server, anonymous: Bot } as const;

export function AuditPage() {
  const query = useListQuery(['tenant', 'actor', 'action', 'subject', 'from', 'to']);
  const wanted = auditQuery(query.values);
  const { rows, more } = usePages<AuditLine, string>(
    `audit ${JSON.stringify(wanted)}`,
    (before, signal) =>
      ask(
        api.GET('/api/v1/audit', {
          params: { query: { ...wanted, limit: PAGE, ...(before && { before }) } },
          ...(signal && { signal }),
        }),
      ),
    { size: PAGE, cursor: ({ id }) => id, rowKey: ({ id }) => id },
  );
  const tenants = useData(may('people') ? 'tenants' : null, (signal) =>
    ask(api.GET('/api/v1/tenants', { signal })),
  );
  const [open, setOpen] = useState<AuditLine>();
  return (
    <Page title={t('nav.audit')}>
      <div class="audit-search">
        <SearchField
          label={t('audit.actor')}
          value={query.values.actor ?? ''}
          onChange={(actor) => query.set({ actor })}
        />
        <SearchField
          label={t('audit.subject')}
          value={query.values.subject ?? ''}
          onChange={(subject) => query.set({ subject })}
        />
      </div>
      <DataList
        label={t('nav.audit')}
        of={rows}
        query={query}
        columns={columns(setOpen)}
        rowKey={({ id }) => id}
        filters={[
          {
            id: 'action',
            label: t('audit.action'),
            options: ACTIONS.map((value) => ({ value, label: word('auditGroup', value) })),
          },
          {
            id: 'tenant',
            label: t('keys.tenant'),
            options: (tenants.data ?? []).map((value) => ({ value, label: value })),
          },
          { id: 'from', label: t('filter.from'), options: [], isDay: true },
          { id: 'to', label: t('filter.to'), options: [], isDay: true },
        ]}
        more={more}
        exportUrl={() => fileUrl('/api/v1/audit/export', { ...wanted, format: 'csv' })}
        tools={
          <Export href={fileUrl('/api/v1/audit/export', { ...wanted, format: 'ndjson' })} label="NDJSON" />
        }
        empty={{ title: t('audit.none') }}
      />
      {open && <LineDialog line={open} onClose={() => setOpen(undefined)} />}
    </Page>
  );
}

function columns(onOpen: (line: AuditLine) => void): Column<AuditLine>[] {
  return [
    { id: 'at', head: t('audit.at'), cell: ({ at }) => <At at={at} />, sort: ({ at }) => Date.parse(at) },
    {
      id: 'actor',
      head: t('audit.actor'),
      cell: ({ actor, actor_kind, address }) => {
        const Icon = ICONS[actor_kind as keyof typeof ICONS] ?? Bot;
        return (
          <>
            <span class="row">
              <Icon size={15} aria-label={word('actorKind', actor_kind)} />
              <span class="to-address">{actor}</span>
            </span>
            {address && <span class="sub">{address}</span>}
          </>
        );
      },
      sort: ({ actor }) => actor,
    },
    {
      id: 'action',
      head: t('audit.action'),
      phone: 'title',
      cell: ({ action }) => actionText(action),
      sort: ({ action }) => action,
    },
    {
      id: 'subject',
      head: t('audit.subject'),
      cell: ({ subject, subject_kind }) => (
        <>
          <span class="to-address">{subject}</span>
          <span class="sub">{word('auditOf', subject_kind)}</span>
        </>
      ),
      sort: ({ subject }) => subject,
    },
    {
      id: 'changes',
      head: t('audit.changes'),
      cell: (line) => {
        const changes = changesOf(line);
        const [name, before, after] = changes[0] ?? [];
        if (!name) return <span class="soft">–</span>;
        return (
          <Button size="small" quiet class="change" onClick={() => onOpen(line)}>
            <span class="clip">
              {name}: {line.before && <del>{before}</del>} {after}
            </span>
            {changes.length > 1 && <span class="badge">+{changes.length - 1}</span>}
          </Button>
        );
      },
    },
  ];
}

function LineDialog({ line, onClose }: { line: AuditLine; onClose: () => void }) {
  return (
    <Dialog title={actionText(line.action)} onClose={onClose}>
      <div class="form">
        <Facts
          facts={[
            [t('audit.at'), fullTime(line.at)],
            [t('audit.actor'), `${line.actor} (${word('actorKind', line.actor_kind)})`],
            [t('audit.address'), line.address],
            [t('audit.subject'), `${line.subject_kind} ${line.subject}`],
            [t('keys.tenant'), line.tenant],
          ]}
        />
        <Scroller>
          <table class="plain wrap">
            <thead>
              <tr>
                <th scope="col">{t('conflict.field')}</th>
                <th scope="col">{t('audit.before')}</th>
                <th scope="col">{t('audit.after')}</th>
              </tr>
            </thead>
            <tbody>
              {changesOf(line).map(([name, before, after]) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{before}</td>
                  <td>{after}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroller>
      </div>
    </Dialog>
  );
}
