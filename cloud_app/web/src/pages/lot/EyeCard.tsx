/** Bays on which a box's evidence contradicts itself: named on the lot's page, answered in the bay's panel. */

import { Camera, Eye } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { BayByEye, Command } from '../../api/types';
import { type Data, useData } from '../../api/useData';
import { may } from '../../app/session';
import { Button } from '../../components/Button';
import { Card } from '../../components/Card';
import { t, tn, word } from '../../i18n';
import { sendCommand } from '../edges/CommandsCard';
import { isOpen } from '../edges/device';
import { StillDialog } from '../edges/StillDialog';

const [HALF_MINUTE_S, FOLLOWED_S] = [30, 1];
/** What somebody saw a minute ago says nothing of the bay now. */
const ANSWER_LIFE_S = 60;

export type AskedBays = Data<readonly BayByEye[]>;

/** Asked for only where the person may answer. */
export function useByEye(site: string, lot: string, isNow: boolean): AskedBays {
  const params = { path: { site, lot } };
  return useData<readonly BayByEye[]>(
    isNow && may('operate') ? `by eye ${site}/${lot}` : null,
    (signal) => ask(api.GET('/api/v1/lots/{site}/{lot}/by-eye', { params, signal })),
    { everyS: HALF_MINUTE_S },
  );
}

export function EyeCard({ asked, onPick }: { asked: AskedBays; onPick: (bay: BayByEye) => void }) {
  const bays = asked.data ?? [];
  if (!bays.length) return null;
  return (
    <Card title={t('eye.title')}>
      <div class="stack">
        <p class="small soft">{tn('eye.hint', bays.length)}</p>
        <div class="row wrap">
          {bays.map((bay) => (
            <Button key={`${bay.edge}/${bay.bay}`} size="small" icon={Eye} onClick={() => onPick(bay)}>
              {bay.bay}
            </Button>
          ))}
        </div>
      </div>
    </Card>
  );
}

/** What do you see in the bay? The answer goes to the box as a command that soon expires. */
export function ByEye({ bay, onDone }: { bay: BayByEye; onDone: () => void }) {
  const [sent, setSent] = useState<Command | null>(null);
  const [isLooking, look] = useState(false);
  const path = { edge: bay.edge, command: sent?.id ?? '' };
  const command = useData<Command>(
    sent && isOpen(sent.state) ? `answer ${sent.id}` : null,
    async (signal) => {
      const now = await ask(api.GET('/api/v1/edges/{edge}/commands/{command}', { params: { path }, signal }));
      if (!isOpen(now.state)) {
        setSent(now);
        onDone();
      }
      return now;
    },
    { everyS: FOLLOWED_S },
  );
  const now = sent && !isOpen(sent.state) ? sent : (command.data ?? sent);
  const answer = async (occ: boolean) => {
    setSent(await sendCommand(bay.edge, 'confirm_bay', { bay: bay.bay, occ }, ANSWER_LIFE_S));
  };
  const canAnswer = !now || (!isOpen(now.state) && now.state !== 'done');
  return (
    <section class="why by-hand" aria-label={t('eye.title')}>
      <h3>{t('eye.title')}</h3>
      <p class="small">{t('eye.why')}</p>
      {now && (
        <p class="small strong" role="status">
          {now.state === 'done' ? t('eye.used') : now.detail || word('commandState', now.state)}
        </p>
      )}
      {canAnswer && (
        <p class="row wrap">
          {may('pictures') && (
            <Button size="small" icon={Camera} onClick={() => look(true)}>
              {t('eye.look')}
            </Button>
          )}
          <Button size="small" onClick={() => answer(true)}>
            {t('eye.vehicle')}
          </Button>
          <Button size="small" onClick={() => answer(false)}>
            {t('eye.empty')}
          </Button>
        </p>
      )}
      {isLooking && <StillDialog edge={bay.edge} camera={bay.camera} onClose={() => look(false)} />}
    </section>
  );
}
