/** Which page an address shows. Each page is a file of its own, loaded when it is first shown. */

import { lazy, Route, Router } from 'preact-iso';
import { Page } from '../components/Page';
import { Notice } from '../components/states';
import { t } from '../i18n';

const MapPage = lazy(() => import('../pages/map/MapPage').then((m) => m.MapPage));
const LotPage = lazy(() => import('../pages/lot/LotPage').then((m) => m.LotPage));
const EventsPage = lazy(() => import('../pages/events/EventsPage').then((m) => m.EventsPage));

export function Routes({ onLoadStart, onLoadEnd }: { onLoadStart: () => void; onLoadEnd: () => void }) {
  return (
    <Router onLoadStart={onLoadStart} onLoadEnd={onLoadEnd}>
      <Route path="/" component={MapPage} />
      <Route path="/lots/:site/:lot" component={LotPage} />
      <Route path="/events" component={EventsPage} />
      <Route default component={NotFound} />
    </Router>
  );
}

function NotFound() {
  return (
    <Page title={t('state.notFound')}>
      <Notice title={t('state.notFoundHint')}>
        <a class="button" href="/">
          {t('nav.map')}
        </a>
      </Notice>
    </Page>
  );
}
