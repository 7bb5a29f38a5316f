/** One edge box: its health now and over time, its cameras, how complete its stream is, its bays. */

import { Camera, PencilRuler } from 'lucide-preact';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import { useLive } from '../../api/live';
import type { Bay, Edge, Gap } from '../../api/types';
import { useData } from '../../api/useData';
import { may } from '../../app/session';
import { IconButton } from '../../components/Button';
import { Card } from '../../components/Card';
import { Meter, StateWord, stateOf } from '../../components/counts';
import { Export } from '../../components/Export';
import { Facts, Scroller } from '../../components/Form';
import { Page } from '../../components/Page';
import { Loaded, Notice } from '../../components/states';
import { Ago, At, nowMs } from '../../components/Time';
import { t, word } from '../../i18n';
import { bytes, count, fixed, span } from '../../i18n/format';
import { zoneOf } from '../../i18n/zones';
import { CertificateCard } from './CertificateCard';
import { CommandsCard, useCommands } from './CommandsCard';
import { calibrationUrl } from './calibration';
import { EdgeState, StreamState } from './EdgesPage';
import { type CameraHealth, healthOf, lotsOf } from './edges';
import { HealthCard } from './HealthCard';
import { SettingsCard } from './SettingsCard';
import { ShadowCard } from './ShadowCard';
import { StillDialog } from './StillDialog';
import './edges.css';

const MINUTE_S = 60;

export function EdgePage(route: { edge: string }) {
  return <OneEdge key={route.edge} name={route.edge} />;
}

function OneEdge({ name }: { name: string }) {
  const params = { path: { edge: name } };
  const edge = useData<Edge>(
    `edge ${name}`,
    (signal) => ask(api.GET('/api/v1/edges/{edge}', { params, signal })),
    { everyS: MINUTE_S },
  );
  const bays = useData<readonly Bay[]>(`edge bays ${name}`, (signal) =>
    ask(api.GET('/api/v1/edges/{edge}/bays', { params, signal })),
  );
  const commands = useCommands(name);
  const again = () => {
    edge.reload();
    bays.reload();
    commands.reload();
  };
  useLive({}, { change: (edges) => edges.includes(name) && again(), resync: again });
  return (
    <Page title={name} above={[{ label: t('nav.edges'), href: '/edges' }]}>
      <Loaded of={edge}>
        {(found) => (
          <>
            <Warnings edge={found} />
            <div class="columns even">
              <Card title={t('edges.now')} tools={<EdgeState edge={found} />}>
                <EdgeFacts edge={found} />
              </Card>
              <Card title={t('edges.stream')} tools={<StreamState edge={found} />}>
                <StreamFacts edge={found} />
              </Card>
            </div>
            <Cameras edge={found} />
            <HealthCard edge={name} zone={zoneOf(found.site)} />
            <CommandsCard edge={name} commands={commands} />
            <CertificateCard edge={name} site={found.site} />
            <div class="columns even">
              <SettingsCard edge={name} />
              <ShadowCard edge={name} />
            </div>
            <Bays bays={bays} edge={name} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Warnings({ edge }: { edge: Edge }) {
  const alarms = healthOf(edge)?.alarms ?? [];
  if (!edge.faults.length && !alarms.length) return null;
  return (
    <ul class="warnings">
      {edge.faults.map((fault) => (
        <li key={fault} class="banner rounded">
          {word('faultHint', fault)}
        </li>
      ))}
      {alarms.map((alarm) => (
        <li key={alarm} class="banner rounded bad">
          {alarm}
        </li>
      ))}
    </ul>
  );
}

function EdgeFacts({ edge }: { edge: Edge }) {
  const health = healthOf(edge);
  const known = (value: number | null | undefined, text: (n: number) => ComponentChildren) =>
    value !== null && value !== undefined && text(value);
  return (
    <Facts
      facts={[
        [t('kind.site'), edge.site],
        [t('edges.lastSeen'), edge.last_seen && <Ago key="seen" at={edge.last_seen} site={edge.site} />],
        [
          t(edge.online ? 'edges.connected' : 'edges.gone'),
          edge.since && <At key="since" at={edge.since} site={edge.site} />,
        ],
        [t('lot.reason'), edge.offline_reason && word('offline', edge.offline_reason)],
        [t('edges.software'), edge.software],
        [t('edges.platform'), edge.platform],
        [t('edges.uptime'), health && span(health.uptime_s)],
        [t('edges.temperature'), known(health?.temperature_c, (n) => `${fixed(n, 0)} °C`)],
        [t('edges.disk'), known(health?.disk_free_bytes, bytes)],
        [t('edges.memory'), known(health?.memory_bytes, bytes)],
        [
          t('edges.layout'),
          edge.layout && (
            <code key="layout" title={edge.layout}>
              {edge.layout.slice(0, 12)}
            </code>
          ),
        ],
      ]}
    />
  );
}

function StreamFacts({ edge }: { edge: Edge }) {
  const gaps = useData<readonly Gap[]>(`gaps ${edge.edge} ${edge.stream?.lost ?? 0}`, (signal) =>
    ask(api.GET('/api/v1/edges/{edge}/gaps', { params: { path: { edge: edge.edge } }, signal })),
  );
  const outbox = healthOf(edge)?.outbox;
  const { stream } = edge;
  return (
    <div class="stack">
      <Facts
        facts={[
          [
            t('edges.upto'),
            stream && (
              <span key="upto" class="num">
                {count(stream.upto)}
              </span>
            ),
          ],
          [
            t('edges.top'),
            stream && (
              <span key="top" class="num">
                {count(stream.top)}
              </span>
            ),
          ],
          [t('edges.lostEvents'), stream && count(stream.lost)],
          [t('edges.epoch'), stream?.epoch],
          [
            t('edges.outbox'),
            outbox &&
              (outbox.rows
                ? t('edges.outboxRows', { n: count(outbox.rows), span: span(outbox.oldest_age_s) })
                : t('edges.outboxEmpty')),
          ],
          [t('edges.quarantined'), outbox && outbox.quarantined > 0 && count(outbox.quarantined)],
          [t('edges.evicted'), outbox && outbox.evicted > 0 && count(outbox.evicted)],
        ]}
      />
      <Loaded of={gaps}>
        {(found) =>
          found.length > 0 && (
            <section aria-label={t('edges.gaps')}>
              <h3>{t('edges.gaps')}</h3>
              <ul class="gaps">
                {found.map(({ epoch, first, last, reason }) => (
                  <li key={`${epoch} ${first}`}>
                    <span class="num">
                      {count(first)}–{count(last)}
                    </span>
                    <span class="soft num">{t('edges.events', { n: count(last - first + 1) })}</span>
                    <span>{word('gap', reason)}</span>
                  </li>
                ))}
              </ul>
            </section>
          )
        }
      </Loaded>
    </div>
  );
}

function Cameras({ edge }: { edge: Edge }) {
  const health = healthOf(edge);
  const [still, setStill] = useState<string | null>(null);
  return (
    <Card title={t('edges.cameras')} flush>
      {health?.cameras.length ? (
        <Scroller>
          <table class="plain">
            <thead>
              <tr>
                <th scope="col">{t('lot.camera')}</th>
                <th scope="col">{t('alerts.state')}</th>
                <th scope="col" class="end">
                  {t('edges.fps')}
                </th>
                <th scope="col" class="end">
                  {t('edges.latency')}
                </th>
                <th scope="col" class="end">
                  {t('edges.dropped')}
                </th>
                <th scope="col" class="end">
                  {t('edges.restarts')}
                </th>
                <th scope="col">{t('edges.audit')}</th>
                {may('pictures') && (
                  <th scope="col">
                    <span class="sr-only">{t('device.still')}</span>
                  </th>
                )}
              </tr>
            </thead>
            <tbody>
              {health.cameras.map((camera) => (
                <CameraRow key={camera.camera} edge={edge.edge} camera={camera} onStill={setStill} />
              ))}
            </tbody>
          </table>
        </Scroller>
      ) : (
        <Notice title={t('edges.noHealth')}>
          <ul class="row wrap">
            {edge.cameras.map((camera) => (
              <li key={camera}>
                <a href={calibrationUrl(edge.edge, camera)}>{camera}</a>
              </li>
            ))}
          </ul>
        </Notice>
      )}
      {health?.at && (
        <p class="soft small card-foot">
          {t('edges.healthOf')} <Ago at={health.at} site={edge.site} />
        </p>
      )}
      {still && <StillDialog edge={edge.edge} camera={still} onClose={() => setStill(null)} />}
    </Card>
  );
}

function CameraRow(props: { edge: string; camera: CameraHealth; onStill: (camera: string) => void }) {
  const { edge, camera, onStill } = props;
  const isBad = !camera.up || camera.view !== 'ok';
  return (
    <tr>
      <th scope="row">{camera.camera}</th>
      <td>
        <span class={`badge ${isBad ? 'bad' : 'good'}`}>
          {camera.up ? (camera.view === 'ok' ? t('edges.up') : word('reason', camera.view)) : t('edges.down')}
        </span>
      </td>
      <td class="end num">{fixed(camera.fps, 1)}</td>
      <td class="end num">
        {camera.latency_p95_ms === null ? '–' : `${fixed(camera.latency_p95_ms, 0)} ms`}
      </td>
      <td class="end num">{count(camera.dropped + camera.broken)}</td>
      <td class="end num">{count(camera.restarts)}</td>
      <td>
        {camera.audit ? (
          <span title={t('edges.auditHint', { n: camera.audit.looks })}>
            {t('edges.right', {
              low: fixed(camera.audit.low * 100, 1),
              high: fixed(camera.audit.high * 100, 1),
            })}
          </span>
        ) : (
          '–'
        )}
      </td>
      {may('pictures') && (
        <td class="end">
          <IconButton
            size="small"
            quiet
            icon={Camera}
            label={t('device.stillOf', { camera: camera.camera })}
            onClick={() => onStill(camera.camera)}
          />
          <a
            class="button quiet small icon"
            href={calibrationUrl(edge, camera.camera)}
            aria-label={t('calib.editOf', { camera: camera.camera })}
            title={t('calib.editOf', { camera: camera.camera })}
          >
            <PencilRuler size={18} aria-hidden="true" />
          </a>
        </td>
      )}
    </tr>
  );
}

function Bays({ bays, edge }: { bays: ReturnType<typeof useData<readonly Bay[]>>; edge: string }) {
  // Stale comes by itself, with time.
  void nowMs.value;
  return (
    <Card
      title={t('edges.lots')}
      flush
      tools={<Export href={`/api/v1/edges/${encodeURIComponent(edge)}/bays?format=csv`} />}
    >
      <Loaded of={bays}>
        {(found) =>
          found.length ? (
            lotsOf(found).map((lot) => {
              const href = `/lots/${encodeURIComponent(lot.site)}/${encodeURIComponent(lot.lot)}`;
              return (
                <section key={`${lot.site}/${lot.lot}`} class="edge-lot">
                  <div class="row between">
                    <h3>
                      <a href={href}>
                        {lot.site} · {lot.lot}
                      </a>
                    </h3>
                    <span class="soft small num">
                      {lot.free} {t('bay.free')} · {lot.bays} {t('lot.bays')}
                    </span>
                  </div>
                  <Meter counts={lot} />
                  <ul class="bay-chips">
                    {found
                      .filter((bay) => bay.site === lot.site && bay.lot === lot.lot)
                      .map((bay) => (
                        <li key={bay.bay}>
                          <a href={`${href}?${new URLSearchParams({ bay: bay.bay })}`} class="bay-chip">
                            <span class="strong">{bay.bay}</span>
                            <StateWord state={stateOf(bay)} />
                          </a>
                        </li>
                      ))}
                  </ul>
                </section>
              );
            })
          ) : (
            <Notice title={t('edges.noBays')} />
          )
        }
      </Loaded>
    </Card>
  );
}
