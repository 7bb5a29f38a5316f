/** Which page an address shows. Each page is a file of its own, loaded when it is first shown. */

import { lazy, Route, Router, useLocation } from 'preact-iso';
import { Page } from '../components/Page';
import { NoPermission, Notice } from '../components/states';
import { t } from '../i18n';
import { placeOf } from './nav';
import { may } from './session';

const MapPage = lazy(() => import('../pages/map/MapPage').then((m) => m.MapPage));
const LotPage = lazy(() => import('../pages/lot/LotPage').then((m) => m.LotPage));
const AlertsPage = lazy(() => import('../pages/alerts/AlertsPage').then((m) => m.AlertsPage));
const AlertPage = lazy(() => import('../pages/alerts/AlertPage').then((m) => m.AlertPage));
const IncidentsPage = lazy(() => import('../pages/incidents/IncidentsPage').then((m) => m.IncidentsPage));
const EdgesPage = lazy(() => import('../pages/edges/EdgesPage').then((m) => m.EdgesPage));
const EdgePage = lazy(() => import('../pages/edges/EdgePage').then((m) => m.EdgePage));
const CalibrationPage = lazy(() => import('../pages/edges/CalibrationPage').then((m) => m.CalibrationPage));
const CampaignsPage = lazy(() => import('../pages/campaigns/CampaignsPage').then((m) => m.CampaignsPage));
const CampaignPage = lazy(() => import('../pages/campaigns/CampaignPage').then((m) => m.CampaignPage));
const SensorsPage = lazy(() => import('../pages/sensors/SensorsPage').then((m) => m.SensorsPage));
const SensorPage = lazy(() => import('../pages/sensors/SensorPage').then((m) => m.SensorPage));
const SettingsPage = lazy(() => import('../pages/settings/SettingsPage').then((m) => m.SettingsPage));
const NotificationsPage = lazy(() =>
  import('../pages/notifications/NotificationsPage').then((m) => m.NotificationsPage),
);
const RulesPage = lazy(() => import('../pages/rules/RulesPage').then((m) => m.RulesPage));
const PeoplePage = lazy(() => import('../pages/people/PeoplePage').then((m) => m.PeoplePage));
const KeysPage = lazy(() => import('../pages/keys/KeysPage').then((m) => m.KeysPage));
const ProvisioningPage = lazy(() =>
  import('../pages/provisioning/ProvisioningPage').then((m) => m.ProvisioningPage),
);
const AuditPage = lazy(() => import('../pages/audit/AuditPage').then((m) => m.AuditPage));
const RegistryPage = lazy(() => import('../pages/registry/RegistryPage').then((m) => m.RegistryPage));
const ThingPage = lazy(() => import('../pages/registry/ThingPage').then((m) => m.ThingPage));
const PlanningPage = lazy(() => import('../pages/planning/PlanningPage').then((m) => m.PlanningPage));
const ReportsPage = lazy(() => import('../pages/reports/ReportsPage').then((m) => m.ReportsPage));
const SchedulesPage = lazy(() => import('../pages/reports/SchedulesPage').then((m) => m.SchedulesPage));
const EventsPage = lazy(() => import('../pages/events/EventsPage').then((m) => m.EventsPage));

export function Routes({ onLoadStart, onLoadEnd }: { onLoadStart: () => void; onLoadEnd: () => void }) {
  const { path } = useLocation();
  const place = placeOf(path);
  if (place && place.needs !== 'public' && !may(place.needs)) {
    return (
      <Page title={t(place.label)}>
        <NoPermission />
      </Page>
    );
  }
  return (
    <Router onLoadStart={onLoadStart} onLoadEnd={onLoadEnd}>
      <Route path="/" component={MapPage} />
      <Route path="/lots/:site/:lot" component={LotPage} />
      <Route path="/alerts" component={AlertsPage} />
      <Route path="/alerts/:alert" component={AlertPage} />
      <Route path="/incidents" component={IncidentsPage} />
      <Route path="/edges" component={EdgesPage} />
      <Route path="/edges/:edge" component={EdgePage} />
      <Route path="/edges/:edge/cameras/:camera/calibration" component={CalibrationPage} />
      <Route path="/campaigns" component={CampaignsPage} />
      <Route path="/campaigns/:campaign" component={CampaignPage} />
      <Route path="/sensors" component={SensorsPage} />
      <Route path="/sensors/:device" component={SensorPage} />
      <Route path="/settings" component={SettingsPage} />
      <Route path="/notifications" component={NotificationsPage} />
      <Route path="/rules" component={RulesPage} />
      <Route path="/people" component={PeoplePage} />
      <Route path="/keys" component={KeysPage} />
      <Route path="/provisioning" component={ProvisioningPage} />
      <Route path="/audit" component={AuditPage} />
      <Route path="/registry" component={RegistryPage} />
      <Route path="/registry/:kind" component={RegistryPage} />
      <Route path="/registry/:kind/:name+" component={ThingPage} />
      <Route path="/planning" component={PlanningPage} />
      <Route path="/reports" component={ReportsPage} />
      <Route path="/reports/schedules" component={SchedulesPage} />
      <Route path="/events" component={EventsPage} />
      <Route default component={NotFound} />
    </Router>
  );
}

export function NotFound() {
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
