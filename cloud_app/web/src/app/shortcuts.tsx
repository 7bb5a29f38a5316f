/** Keys that work everywhere, and the list of them. */

import { useEffect, useRef } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { Dialog } from '../components/Dialog';
import { t } from '../i18n';
import { PLACES } from './nav';
import './search.css';

const CHORD_MS = 1500;

/** Where somebody types, keys are text. */
const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && target.matches('input, textarea, select, [contenteditable]');

const GOTO = new Map(PLACES.flatMap(({ places }) => places.map(({ key, href }) => [key, href] as const)));

export function useShortcuts({ search, help }: { search: () => void; help: () => void }): void {
  const { route } = useLocation();
  const chord = useRef(0);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        search();
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const place = Date.now() - chord.current < CHORD_MS ? GOTO.get(event.key) : undefined;
      chord.current = event.key === 'g' ? Date.now() : 0;
      if (place) route(place);
      else if (event.key === '/') search();
      else if (event.key === '?') help();
      else return;
      event.preventDefault();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [route]);
}

export function ShortcutsHelp({ onClose }: { onClose: () => void }) {
  const places = PLACES.flatMap(({ places }) => places).filter(({ key }) => key);
  return (
    <Dialog title={t('shortcuts.title')} onClose={onClose}>
      <dl class="keys">
        <dt>{t('search.title')}</dt>
        <dd>
          <kbd>/</kbd> <kbd>Ctrl</kbd> <kbd>K</kbd>
        </dd>
        <dt>{t('shortcuts.rows')}</dt>
        <dd>
          <kbd>↑</kbd> <kbd>↓</kbd> <kbd>j</kbd> <kbd>k</kbd>
        </dd>
        <dt>{t('shortcuts.title')}</dt>
        <dd>
          <kbd>?</kbd>
        </dd>
        {places.map(({ label, key, href }) => (
          <>
            <dt key={href}>{t(label)}</dt>
            <dd>
              <kbd>g</kbd> <kbd>{key}</kbd>
            </dd>
          </>
        ))}
      </dl>
    </Dialog>
  );
}
