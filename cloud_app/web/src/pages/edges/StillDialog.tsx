/** What a camera sees now: asked of the box by command, kept in the cloud for minutes, never here. */

import { useEffect, useState } from 'preact/hooks';
import { ApiError, api, ask, credentials, detailOf } from '../../api/client';
import { useData } from '../../api/useData';
import { Dialog } from '../../components/Dialog';
import { Notice, Skeleton } from '../../components/states';
import { t, word } from '../../i18n';
import { sendCommand } from './CommandsCard';
import { isOpen } from './device';

const ASKED_EVERY_S = 1;

export function StillDialog(props: { edge: string; camera: string; onClose: () => void }) {
  const { edge, camera, onClose } = props;
  const [id, setId] = useState<string | null>(null);
  const [picture, setPicture] = useState<string | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  useEffect(() => {
    sendCommand(edge, 'camera_still', { camera }).then((sent) => (sent ? setId(sent.id) : onClose()));
  }, [edge, camera]);
  const command = useData(
    id && !picture ? `still ${id}` : null,
    (signal) => {
      const params = { path: { edge, command: id ?? '' } };
      return ask(api.GET('/api/v1/edges/{edge}/commands/{command}', { params, signal }));
    },
    { everyS: ASKED_EVERY_S },
  );
  const state = command.data?.state;
  useEffect(() => {
    if (id && state === 'done')
      fetchPicture(edge, id).then(setPicture, (why) => setFault(String(why.message)));
  }, [id, state]);
  const failed = state && !isOpen(state) && state !== 'done';
  return (
    <Dialog title={t('device.stillOf', { camera })} onClose={onClose}>
      {picture ? (
        <figure class="still">
          <img src={picture} alt={t('device.stillAlt', { camera })} />
          <figcaption class="soft small">{t('device.stillHint')}</figcaption>
        </figure>
      ) : fault || failed ? (
        <Notice title={t('device.noStill')} tone="bad">
          <p>{fault ?? (command.data?.detail || word('commandState', state ?? ''))}</p>
        </Notice>
      ) : (
        <div class="stack">
          <p role="status">
            {state ? word('commandState', state) : t('state.loading')}
            {state === 'waiting' && ` – ${t('device.waitsForBox')}`}
          </p>
          <Skeleton lines={6} />
        </div>
      )}
    </Dialog>
  );
}

/** As an address with the picture in it: the pages' policy allows no other. */
async function fetchPicture(edge: string, id: string): Promise<string> {
  const path = `/api/v1/edges/${encodeURIComponent(edge)}/commands/${encodeURIComponent(id)}/file`;
  const response = await fetch(path, { headers: credentials(), cache: 'no-store' });
  if (!response.ok) {
    const body: unknown = await response.json().catch(() => null);
    throw new ApiError(response.status, detailOf(body) ?? response.statusText);
  }
  const blob = await response.blob();
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(new ApiError(0, String(reader.error)));
    reader.readAsDataURL(blob);
  });
}
