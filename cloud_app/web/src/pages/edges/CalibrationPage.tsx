/** The bays of one camera: its revisions, what became of each, and the way to the editor. */

import { PencilRuler, RotateCcw } from 'lucide-preact';
import { useEffect, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { CalibrationNow, CalibrationRevision } from '../../api/types';
import { type Data, useData } from '../../api/useData';
import { may } from '../../app/session';
import { toast, toastError } from '../../app/toasts';
import { Button } from '../../components/Button';
import { Card } from '../../components/Card';
import { Dialog } from '../../components/Dialog';
import { Facts } from '../../components/Form';
import { Page } from '../../components/Page';
import { Loaded, Notice, Skeleton } from '../../components/states';
import { ActionTable } from '../../components/Table';
import { Ago } from '../../components/Time';
import { t, word } from '../../i18n';
import { count } from '../../i18n/format';
import { editorUrl, fetchStep, isRolling, isUsed, revisionTone } from './calibration';
import './edges.css';

const [QUICK_S, SLOW_S] = [2, 30];

export function CalibrationPage(route: { edge: string; camera: string }) {
  return <OneCamera key={`${route.edge} ${route.camera}`} {...route} />;
}

function useCalibration(edge: string, camera: string): Data<CalibrationNow> {
  const [quick, setQuick] = useState(false);
  const params = { path: { edge, camera } };
  const found = useData<CalibrationNow>(
    `calibration ${edge} ${camera}`,
    (signal) => ask(api.GET('/api/v1/edges/{edge}/cameras/{camera}/calibration', { params, signal })),
    { everyS: quick ? QUICK_S : SLOW_S },
  );
  const wanted = found.data?.revisions.some(isRolling) ?? false;
  if (wanted !== quick) setQuick(wanted);
  return found;
}

function OneCamera({ edge, camera }: { edge: string; camera: string }) {
  const calibration = useCalibration(edge, camera);
  const [isFetching, setFetching] = useState(false);
  return (
    <Page
      title={t('calib.title', { camera })}
      above={[
        { label: t('nav.edges'), href: '/edges' },
        { label: edge, href: `/edges/${encodeURIComponent(edge)}` },
      ]}
    >
      <Loaded of={calibration}>
        {(found) => (
          <>
            <Card
              title={t('calib.now')}
              tools={
                may('pictures') && (
                  <Button tone="primary" icon={PencilRuler} onClick={() => setFetching(true)}>
                    {t('calib.edit')}
                  </Button>
                )
              }
            >
              <Behind calibration={found} />
              <Facts
                facts={[
                  [t('calib.atBox'), revisionText(found.reported)],
                  [t('calib.newest'), revisionText(found.newest)],
                ]}
              />
            </Card>
            <Revisions calibration={found} onDone={calibration.reload} />
          </>
        )}
      </Loaded>
      {isFetching && (
        <FetchDialog
          edge={edge}
          camera={camera}
          onClose={() => {
            setFetching(false);
            calibration.reload();
          }}
        />
      )}
    </Page>
  );
}

const revisionText = (revision: number | null) =>
  revision === null
    ? t('calib.unknown')
    : revision === 0
      ? t('calib.none')
      : t('calib.revision', { n: revision });

function Behind({ calibration }: { calibration: CalibrationNow }) {
  const { reported, newest } = calibration;
  if (reported === null || reported <= (newest ?? 0)) return null;
  return (
    <p class="banner rounded calib-behind" role="status">
      {t('calib.behind', { n: reported })}
    </p>
  );
}

function Revisions({ calibration, onDone }: { calibration: CalibrationNow; onDone: () => void }) {
  const { edge, camera, newest, revisions } = calibration;
  const back = async (revision: number) => {
    try {
      await ask(
        api.POST('/api/v1/edges/{edge}/cameras/{camera}/calibration/rollback', {
          params: { path: { edge, camera } },
          body: { revision, base_revision: newest ?? 0 },
        }),
      );
      toast(t('calib.goesBack', { n: revision }), 'good');
    } catch (error) {
      toastError(error);
    }
    onDone();
  };
  return (
    <Card title={t('calib.revisions')} flush>
      {revisions.length ? (
        <ActionTable
          heads={[t('calib.number'), t('alerts.state'), t('calib.changes'), t('device.by'), t('calib.at')]}
        >
          {revisions.map((each) => (
            <tr key={each.id}>
              <th scope="row" class="num">
                {each.revision}
              </th>
              <td>
                <span class={`badge ${revisionTone(each)}`}>
                  {each.status ? word('calibState', each.status) : t('calib.ofBox')}
                </span>
              </td>
              <td class="calib-changes">
                <Changes revision={each} />
              </td>
              <td class="soft">{each.author}</td>
              <td>
                <Ago at={each.at} site={calibration.site} />
              </td>
              <td class="end">
                {may('pictures') && isUsed(each) && each.revision !== newest && (
                  <Button size="small" icon={RotateCcw} onClick={() => back(each.revision)}>
                    {t('calib.restore')}
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </ActionTable>
      ) : (
        <Notice title={t('calib.noRevisions')} icon={PencilRuler}>
          <p>{t('calib.noRevisionsHint')}</p>
        </Notice>
      )}
    </Card>
  );
}

function Changes({ revision }: { revision: CalibrationRevision }) {
  const { added, removed, changed, facts } = revision.changes;
  const lines: readonly [string, readonly string[]][] = [
    [t('calib.added'), added],
    [t('calib.removed'), removed],
    [t('calib.changed'), changed],
    [t('calib.besides'), facts],
  ];
  const isRefused = revisionTone(revision) === 'bad';
  return (
    <>
      <div>
        {t('calib.bays', { n: count(revision.bays) })}
        {revision.note && <span class="soft"> – {revision.note}</span>}
      </div>
      {lines.map(
        ([name, ids]) =>
          ids.length > 0 && (
            <div key={name} class="small">
              <span class="soft">{name}:</span> {ids.join(', ')}
            </div>
          ),
      )}
      {isRefused && revision.detail && <div class="small short">{revision.detail}</div>}
    </>
  );
}

/** The box is asked for what it uses, and for the image that belongs to it; then the editor opens. */
function FetchDialog(props: { edge: string; camera: string; onClose: () => void }) {
  const { edge, camera, onClose } = props;
  const [isSent, setSent] = useState(false);
  const params = { path: { edge, camera } };
  useEffect(() => {
    ask(api.POST('/api/v1/edges/{edge}/cameras/{camera}/calibration/fetch', { params })).then(
      () => setSent(true),
      (error) => {
        toastError(error);
        onClose();
      },
    );
  }, [edge, camera]);
  const found = useData<CalibrationNow>(
    isSent ? `fetching ${edge} ${camera}` : null,
    (signal) => ask(api.GET('/api/v1/edges/{edge}/cameras/{camera}/calibration', { params, signal })),
    { everyS: 1 },
  );
  const step = found.data ? fetchStep(found.data) : 'waiting';
  useEffect(() => {
    if (step === 'ready') location.assign(editorUrl(edge, camera));
  }, [step]);
  const { calibration, image } = found.data ?? {};
  const isOver = step === 'withoutImage' || step === 'failed';
  return (
    <Dialog title={t('calib.fetch', { camera })} onClose={onClose}>
      {isOver ? (
        <>
          <Notice title={t(step === 'failed' ? 'calib.notFetched' : 'calib.noImage')} tone="bad">
            {[calibration, image].map(
              (each) =>
                each &&
                each.state !== 'done' && (
                  <p key={each.id}>
                    {word('command', each.name)}: {each.detail || word('commandState', each.state)}
                  </p>
                ),
            )}
          </Notice>
          {(found.data?.newest ?? 0) > 0 && (
            <footer>
              <Button onClick={() => location.assign(editorUrl(edge, camera))}>
                {t('calib.withoutImage')}
              </Button>
            </footer>
          )}
        </>
      ) : (
        <div class="stack">
          <p role="status">
            {image ? word('commandState', image.state) : t('state.loading')}
            {image?.state === 'waiting' && ` – ${t('device.waitsForBox')}`}
          </p>
          <p class="soft small">{t('calib.fetchHint')}</p>
          <Skeleton lines={4} />
        </div>
      )}
    </Dialog>
  );
}
