/**
 * The list of every page: search, filters, order, export, keyboard; on a phone each row is a card.
 *
 * The query lives in the address (`useListQuery`). What the API filters the page gives to `of`; what
 * it does not, `match` filters here.
 */

import { ArrowDown, ArrowUp, ChevronsUpDown, ListFilter, Search, X } from 'lucide-preact';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Data } from '../api/useData';
import { language, t, tn } from '../i18n';
import { Button, IconButton } from './Button';
import { Export } from './Export';
import { Select } from './Field';
import { matches, nextOrder, orderOf, orderText, type SortValue, sorted } from './sorting';
import { Loaded, Notice, Skeleton } from './states';
import type { ListQuery, QueryValues } from './useListQuery';
import './list.css';

export interface Column<R> {
  id: string;
  head: string;
  cell: (row: R) => ComponentChildren;
  /** What to sort by, or that the API sorts; a column without cannot be sorted. */
  sort?: ((row: R) => SortValue) | 'api';
  /** Numbers stand at the right end. */
  isNumber?: boolean;
  /** On a phone: the card's title, or left out. */
  phone?: 'title' | 'hidden';
}

export interface Filter {
  /** Its name in the address and in the API. */
  id: string;
  label: string;
  options: readonly { value: string; label: string }[];
  /** What is shown while it is not set, where that is not all. */
  none?: string;
  /** A day instead of one of the options. */
  isDay?: boolean;
}

interface DataListProps<R> {
  /** What these are, for screen readers. */
  label: string;
  of: Data<readonly R[]>;
  query: ListQuery;
  columns: readonly Column<R>[];
  rowKey: (row: R) => string;
  /** Where a row leads to. */
  href?: (row: R) => string;
  filters?: readonly Filter[];
  /** Text of a row to search here; absent where the API searches or nothing is searched. */
  text?: (row: R) => string;
  /** Whether there is a search field; by default where `text` is. */
  hasSearch?: boolean;
  /** What of the query is not filtered by the API. */
  match?: (row: R, values: QueryValues) => boolean;
  /** Order where the address says none, such as `-since`. */
  defaultSort?: string;
  /** Address of these rows as CSV; gets the same query. */
  exportUrl?: (values: QueryValues) => string;
  empty: { title: string; hint?: string };
  /** The next page, where the API answers in pages. */
  more?: (() => void) | undefined;
  tools?: ComponentChildren;
}

const STEP = 100;

export function DataList<R>(props: DataListProps<R>) {
  const { of, query, label, exportUrl, tools } = props;
  return (
    <section class="list" aria-label={label}>
      <Toolbar {...props} />
      <Loaded of={of} skeleton={<Skeleton lines={8} />}>
        {(rows) => <Rows {...props} rows={rows} />}
      </Loaded>
      {(exportUrl || tools) && (
        <footer>
          {tools}
          {exportUrl && <Export href={exportUrl(query.values)} />}
        </footer>
      )}
    </section>
  );
}

function Toolbar<R>({ query, filters = [], text, hasSearch = text !== undefined }: DataListProps<R>) {
  const [isOpen, setOpen] = useState(false);
  const active = filters.filter(({ id }) => query.values[id]).length;
  if (!hasSearch && !filters.length) return null;
  const cleared = Object.fromEntries([...filters.map(({ id }) => [id, '']), ['q', '']]);
  return (
    <div class="toolbar" data-open={isOpen}>
      {hasSearch && <SearchField value={query.values.q ?? ''} onChange={(q) => query.set({ q })} />}
      {filters.length > 0 && (
        <Button
          class="filter-switch"
          icon={ListFilter}
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
        >
          {active ? t('list.filtersOn', { n: active }) : t('list.filters')}
        </Button>
      )}
      <div class="filters">
        {filters.map(({ id, label, options, none = t('list.all'), isDay }) =>
          isDay ? (
            <DayField
              key={id}
              label={label}
              value={query.values[id] ?? ''}
              onChange={(day) => query.set({ [id]: day })}
            />
          ) : (
            <Select
              key={id}
              label={label}
              hideLabel
              value={query.values[id] ?? ''}
              options={[{ value: '', label: `${label}: ${none}` }, ...options]}
              onChange={(value) => query.set({ [id]: value })}
            />
          ),
        )}
        {(active > 0 || query.values.q) && (
          <Button quiet icon={X} onClick={() => query.set(cleared)}>
            {t('list.clear')}
          </Button>
        )}
      </div>
    </div>
  );
}

interface DayFieldProps {
  label: string;
  value: string;
  onChange: (day: string) => void;
}

function DayField({ label, value, onChange }: DayFieldProps) {
  return (
    <label class="day-field">
      <span class="soft small">{label}</span>
      <input
        class="input"
        type="date"
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    </label>
  );
}

const TYPING_MS = 200;

export function SearchField({
  value,
  onChange,
  label,
}: {
  value: string;
  onChange: (text: string) => void;
  label?: string;
}) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    if (typed === value) return;
    const timer = setTimeout(() => onChange(typed.trim()), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <label class="search-field">
      <Search size={16} aria-hidden="true" />
      <span class="sr-only">{label ?? t('list.search')}</span>
      <input
        class="input"
        type="search"
        value={typed}
        placeholder={label ?? t('list.search')}
        onInput={(event) => setTyped(event.currentTarget.value)}
      />
      {typed && (
        <IconButton label={t('list.clear')} icon={X} quiet size="small" onClick={() => setTyped('')} />
      )}
    </label>
  );
}

function Rows<R>(props: DataListProps<R> & { rows: readonly R[] }) {
  const { rows, columns, query, text, match, defaultSort, empty, more, label, rowKey, href } = props;
  const order = orderOf(query.values.sort ?? defaultSort);
  const [shown, setShown] = useState(STEP);
  const found = useMemo(() => {
    const q = query.values.q;
    const kept = rows.filter(
      (row) => (!q || !text || matches(text(row), q)) && (!match || match(row, query.values)),
    );
    const by = order && columns.find(({ id }) => id === order.column)?.sort;
    return by && by !== 'api' ? sorted(kept, by, order.isDown, language.value) : kept;
  }, [rows, query.key, defaultSort, language.value]);

  if (!found.length)
    return <Nothing {...empty} query={query} isFiltered={rows.length > 0 || isFiltered(query)} />;
  return (
    <>
      <table aria-label={label} onKeyDown={moveByKeys}>
        <thead>
          <tr>
            {columns.map((column) => (
              <Head key={column.id} column={column} query={query} order={order} />
            ))}
          </tr>
        </thead>
        <tbody>
          {found.slice(0, shown).map((row) => (
            <Row key={rowKey(row)} row={row} columns={columns} href={href?.(row)} />
          ))}
        </tbody>
      </table>
      <p class="list-end small soft num" aria-live="polite">
        {tn('list.count', found.length)}
        {found.length > shown ? (
          <Button size="small" onClick={() => setShown(shown + 4 * STEP)}>
            {t('list.more')}
          </Button>
        ) : (
          more && (
            <Button size="small" onClick={more}>
              {t('list.more')}
            </Button>
          )
        )}
      </p>
    </>
  );
}

const isFiltered = ({ values }: ListQuery) => Object.keys(values).some((name) => name !== 'sort');

function Nothing({
  title,
  hint,
  query,
  isFiltered,
}: {
  title: string;
  hint?: string;
  query: ListQuery;
  isFiltered: boolean;
}) {
  if (!isFiltered) return <Notice title={title}>{hint && <p>{hint}</p>}</Notice>;
  const off = Object.fromEntries(Object.keys(query.values).map((name) => [name, '']));
  return (
    <Notice title={t('list.noMatch')} icon={Search}>
      <Button onClick={() => query.set(off)}>{t('list.clear')}</Button>
    </Notice>
  );
}

interface HeadProps<R> {
  column: Column<R>;
  query: ListQuery;
  order: ReturnType<typeof orderOf>;
}

function Head<R>({ column, query, order }: HeadProps<R>) {
  const mine = order?.column === column.id ? order : null;
  const Icon = mine ? (mine.isDown ? ArrowDown : ArrowUp) : ChevronsUpDown;
  const sort = () => {
    const next = nextOrder(order, column.id);
    query.set({ sort: next ? orderText(next) : '' });
  };
  return (
    <th
      scope="col"
      class={column.isNumber ? 'end' : ''}
      aria-sort={mine ? (mine.isDown ? 'descending' : 'ascending') : undefined}
    >
      {column.sort ? (
        <button type="button" onClick={sort}>
          {column.head}
          <Icon size={13} aria-hidden="true" class={mine ? '' : 'idle'} />
        </button>
      ) : (
        column.head
      )}
    </th>
  );
}

interface RowProps<R> {
  row: R;
  columns: readonly Column<R>[];
  href: string | undefined;
}

function Row<R>({ row, columns, href }: RowProps<R>) {
  return (
    <tr class={href ? 'leads' : ''}>
      {columns.map((column, i) => {
        const content = column.cell(row);
        const isTitle =
          column.phone === 'title' || (i === 0 && columns.every(({ phone }) => phone !== 'title'));
        return (
          <td
            key={column.id}
            data-label={column.head}
            class={[column.isNumber && 'end num', isTitle && 'title', column.phone === 'hidden' && 'no-phone']
              .filter(Boolean)
              .join(' ')}
          >
            {isTitle && href ? (
              <a class="row-link" href={href}>
                {content}
              </a>
            ) : (
              content
            )}
          </td>
        );
      })}
    </tr>
  );
}

/** Arrow keys, and j and k, go from row to row. */
function moveByKeys(event: JSX.TargetedKeyboardEvent<HTMLTableElement>): void {
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  if (!step || !(event.target as Element).matches('.row-link')) return;
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>('.row-link')];
  links[links.indexOf(event.target as HTMLElement) + step]?.focus();
  event.preventDefault();
}
