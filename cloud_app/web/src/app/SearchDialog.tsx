/** Search over everything: lots, sites, edges, bays, zones. */

import {
  Building2,
  CornerDownLeft,
  Cpu,
  Grid2x2,
  ParkingSquare,
  RadioTower,
  Search,
  SquareDashed,
} from 'lucide-preact';
import { useEffect, useId, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { api, ask } from '../api/client';
import type { Hit } from '../api/types';
import { useData } from '../api/useData';
import { Modal } from '../components/Dialog';
import { Skeleton } from '../components/states';
import { t } from '../i18n';
import { hitHref, hitWhere } from './searching';
import './search.css';

const ICONS = {
  lot: ParkingSquare,
  site: Building2,
  edge: RadioTower,
  device: Cpu,
  bay: SquareDashed,
  zone: Grid2x2,
};
const TYPING_MS = 150;

export function SearchDialog({ onClose }: { onClose: () => void }) {
  const [typed, setTyped] = useState('');
  const [q, setQ] = useState('');
  const [at, setAt] = useState(0);
  const { route } = useLocation();
  const list = useId();
  useEffect(() => {
    const timer = setTimeout(() => {
      setQ(typed.trim());
      setAt(0);
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const hits = useData<readonly Hit[]>(q ? `search ${q}` : null, (signal) =>
    ask(api.GET('/api/v1/search', { params: { query: { q, limit: 20 } }, signal })),
  );
  const found = hits.data ?? [];

  const go = (hit: Hit | undefined) => {
    if (!hit) return;
    onClose();
    route(hitHref(hit));
  };
  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && found.length) setAt((at + step + found.length) % found.length);
    else if (event.key === 'Enter') go(found[at]);
    else return;
    event.preventDefault();
  };

  return (
    <Modal class="dialog search" label={t('search.title')} onClose={onClose}>
      <div class="entry">
        <Search size={18} aria-hidden="true" />
        <input
          // biome-ignore lint/a11y/noAutofocus: the dialog is this field
          autoFocus
          type="text"
          role="combobox"
          aria-label={t('search.title')}
          aria-expanded={found.length > 0}
          aria-controls={list}
          aria-activedescendant={found.length ? `${list}-${at}` : undefined}
          placeholder={t('search.hint')}
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={onKey}
        />
        <kbd>Esc</kbd>
      </div>
      <div class="hits" role="listbox" id={list} aria-label={t('search.results')}>
        {found.map((hit, i) => (
          <Option key={`${hit.kind} ${hit.key}`} id={`${list}-${i}`} hit={hit} isAt={i === at} onPick={go} />
        ))}
      </div>
      {q && hits.isLoading && <Skeleton lines={3} />}
      {q && hits.data && !found.length && <p class="notice soft">{t('search.nothing', { q })}</p>}
      {hits.error && <p class="notice soft">{hits.error.message}</p>}
      <footer>
        <span>
          <kbd>↑</kbd> <kbd>↓</kbd> {t('search.choose')}
        </span>
        <span>
          <kbd>
            <CornerDownLeft size={10} aria-hidden="true" />
          </kbd>{' '}
          {t('search.open')}
        </span>
      </footer>
    </Modal>
  );
}

interface OptionProps {
  id: string;
  hit: Hit;
  isAt: boolean;
  onPick: (hit: Hit) => void;
}

function Option({ id, hit, isAt, onPick }: OptionProps) {
  const Icon = ICONS[hit.kind] ?? SquareDashed;
  useEffect(() => {
    if (isAt) document.getElementById(id)?.scrollIntoView({ block: 'nearest' });
  }, [isAt]);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the field has the keys
    // biome-ignore lint/a11y/useFocusableInteractive: as in every combobox, the field has the focus
    <div id={id} class="hit" role="option" aria-selected={isAt} onClick={() => onPick(hit)}>
      <Icon size={18} aria-hidden="true" />
      <span class="grow clip">
        <span class="strong">{hit.name ?? hit.key}</span>
        <span class="soft small"> {hitWhere(hit)}</span>
      </span>
      <span class="badge">{t(`kind.${hit.kind}`)}</span>
    </div>
  );
}
