/** What stands around every page: rail or phone bar, search, state of the live stream, account. */

import { Bug, Ellipsis, Keyboard, Search } from 'lucide-preact';
import type { ComponentChildren } from 'preact';
import { useEffect, useErrorBoundary, useRef, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { liveState } from '../api/live';
import { Button } from '../components/Button';
import { Modal } from '../components/Dialog';
import { Notice } from '../components/states';
import { t } from '../i18n';
import { AccountMenu, Preferences } from './AccountMenu';
import { openAlerts, useOpenAlerts } from './alertCount';
import { isAt, PLACES, type Place } from './nav';
import { Routes } from './routes';
import { SearchDialog } from './SearchDialog';
import { may } from './session';
import { ShortcutsHelp, useShortcuts } from './shortcuts';
import { useSiteZones } from './siteZones';

export function Shell() {
  const { path } = useLocation();
  const [open, setOpen] = useState<'search' | 'help' | 'more' | null>(null);
  const [isLoading, setLoading] = useState(false);
  const main = useRef<HTMLElement>(null);
  useOpenAlerts();
  useSiteZones();
  useShortcuts({ search: () => setOpen('search'), help: () => setOpen('help') });
  useEffect(() => {
    setOpen(null);
    main.current?.scrollTo(0, 0);
  }, [path]);
  const close = () => setOpen(null);

  return (
    <div class="shell">
      <a class="skip" href="#main">
        {t('shell.skip')}
      </a>
      <Rail path={path} onHelp={() => setOpen('help')} />
      <header class="bar">
        <Brand />
        <button class="finder" type="button" onClick={() => setOpen('search')} aria-label={t('search.title')}>
          <Search size={18} aria-hidden="true" />
          <span>{t('search.hint')}</span>
          <kbd>{/Mac|iPhone/.test(navigator.platform) ? '⌘K' : 'Ctrl K'}</kbd>
        </button>
        <span class="grow bar-gap" />
        <LiveSign />
        <AccountMenu />
      </header>
      <main id="main" class="main" ref={main} tabIndex={-1} aria-busy={isLoading}>
        {liveState.value === 'lost' && (
          <p class="banner" role="status">
            {t('shell.streamLost')}
          </p>
        )}
        <Guarded path={path}>
          <Routes onLoadStart={() => setLoading(true)} onLoadEnd={() => setLoading(false)} />
        </Guarded>
      </main>
      <Tabs path={path} onMore={() => setOpen('more')} />
      {open === 'search' && <SearchDialog onClose={close} />}
      {open === 'help' && <ShortcutsHelp onClose={close} />}
      {open === 'more' && <Drawer path={path} onClose={close} />}
    </div>
  );
}

/** A page that failed takes neither the shell nor the next page with it. */
function Guarded({ path, children }: { path: string; children: ComponentChildren }) {
  const [error, reset] = useErrorBoundary((fault: unknown) => console.error(fault));
  useEffect(reset, [path]);
  if (!error) return <>{children}</>;
  return (
    <Notice title={t('state.broken')} icon={Bug} tone="bad">
      <p>{String(error)}</p>
      <Button onClick={reset}>{t('action.retry')}</Button>
    </Notice>
  );
}

function Brand() {
  return (
    <a class="brand" href="/" aria-label="lotsight">
      <img src="/shared/icon.svg" alt="" width="28" height="28" />
      <span>lotsight</span>
    </a>
  );
}

function PlaceLink({ place, path }: { place: Place; path: string }) {
  const { href, label, icon: Icon } = place;
  const open = href === '/alerts' ? openAlerts.value : 0;
  return (
    <a class="place" href={href} aria-current={isAt(path, href) ? 'page' : undefined} title={t(label)}>
      <Icon size={18} strokeWidth={1.8} aria-hidden="true" />
      <span>{t(label)}</span>
      {open > 0 && <Tally n={open} />}
    </a>
  );
}

function Tally({ n }: { n: number }) {
  return (
    <span class="tally">
      {n > 99 ? '99+' : n}
      <span class="sr-only"> {t('alerts.open')}</span>
    </span>
  );
}

const allowed = (places: readonly Place[]) => places.filter(({ needs }) => needs === 'public' || may(needs));

function Rail({ path, onHelp }: { path: string; onHelp: () => void }) {
  return (
    <nav class="rail" aria-label={t('nav.label')}>
      <Brand />
      {PLACES.map(({ title, places }) => (
        <>
          <h2>{t(title)}</h2>
          <ul>
            {allowed(places).map((place) => (
              <li key={place.href}>
                <PlaceLink place={place} path={path} />
              </li>
            ))}
          </ul>
        </>
      ))}
      <div class="foot">
        <button type="button" class="button quiet small" onClick={onHelp}>
          <Keyboard size={16} aria-hidden="true" />
          {t('shortcuts.title')} <kbd>?</kbd>
        </button>
      </div>
    </nav>
  );
}

function Tabs({ path, onMore }: { path: string; onMore: () => void }) {
  const main = PLACES.flatMap(({ places }) => allowed(places)).filter(({ isMain }) => isMain);
  return (
    <nav class="tabs" aria-label={t('nav.label')}>
      {main.map(({ href, label, icon: Icon }) => (
        <a key={href} href={href} aria-current={isAt(path, href) ? 'page' : undefined}>
          <Icon size={21} strokeWidth={1.8} aria-hidden="true" />
          {t(label)}
          {href === '/alerts' && openAlerts.value > 0 && <Tally n={openAlerts.value} />}
        </a>
      ))}
      <button type="button" onClick={onMore} aria-haspopup="dialog">
        <Ellipsis size={21} strokeWidth={1.8} aria-hidden="true" />
        {t('nav.more')}
      </button>
    </nav>
  );
}

function Drawer({ path, onClose }: { path: string; onClose: () => void }) {
  return (
    <Modal class="drawer" label={t('nav.more')} onClose={onClose}>
      <ul>
        {PLACES.flatMap(({ places }) => allowed(places))
          .filter(({ isMain }) => !isMain)
          .map((place) => (
            <li key={place.href}>
              <PlaceLink place={place} path={path} />
            </li>
          ))}
      </ul>
      <hr />
      <Preferences />
    </Modal>
  );
}

function LiveSign() {
  const state = liveState.value;
  return (
    <span class="live-sign" role="status" title={t(`live.${state}`)}>
      <i class={`pulse ${state}`} aria-hidden="true" />
      <span>{t(`live.${state}`)}</span>
    </span>
  );
}
