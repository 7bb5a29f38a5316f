/** What can be done to an alert. */

import { BellOff, BellRing, Check, MessageSquare, UserRound, X } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { AlertDetail } from '../../api/types';
import { useData } from '../../api/useData';
import { access } from '../../app/session';
import { Button } from '../../components/Button';
import { Dialog } from '../../components/Dialog';
import { Field, Select } from '../../components/Field';
import { TextArea } from '../../components/Form';
import { t } from '../../i18n';
import { span } from '../../i18n/format';
import { differs, zoneOf } from '../../i18n/zones';
import { actionsOf, localMoment, SILENCES_S } from './alerts';

export type Act =
  | { action: 'acknowledge' }
  | { action: 'unsilence' }
  | { action: 'close' }
  | { action: 'assign'; assignee: string | null }
  | { action: 'silence'; until: string }
  | { action: 'comment'; text: string };

interface Props {
  alert: AlertDetail;
  act: (body: Act) => Promise<boolean>;
}

export function AlertActions({ alert, act }: Props) {
  const [open, setOpen] = useState<'assign' | 'silence' | 'close' | null>(null);
  const allowed = actionsOf(alert);
  const done = async (body: Act) => {
    await act(body);
    // Also where it was refused: why stands on the page, under the dialog.
    setOpen(null);
  };
  return (
    <section class="card actions" aria-label={t('alerts.actions')}>
      <div class="row wrap">
        {allowed.includes('acknowledge') && (
          <Button tone="primary" icon={Check} onClick={() => act({ action: 'acknowledge' })}>
            {t('alerts.acknowledge')}
          </Button>
        )}
        {allowed.includes('assign') && (
          <Button icon={UserRound} onClick={() => setOpen('assign')}>
            {t('alerts.assign')}
          </Button>
        )}
        {allowed.includes('silence') && (
          <Button icon={BellOff} onClick={() => setOpen('silence')}>
            {t('alerts.silence')}
          </Button>
        )}
        {allowed.includes('unsilence') && (
          <Button icon={BellRing} onClick={() => act({ action: 'unsilence' })}>
            {t('alerts.unsilence')}
          </Button>
        )}
        {allowed.includes('close') && (
          <Button icon={X} onClick={() => setOpen('close')}>
            {t('alerts.close')}
          </Button>
        )}
      </div>
      <CommentForm act={act} />
      {open === 'assign' && <AssignDialog alert={alert} act={done} onClose={() => setOpen(null)} />}
      {open === 'silence' && <SilenceDialog site={alert.site} act={done} onClose={() => setOpen(null)} />}
      {open === 'close' && (
        <Dialog title={t('alerts.close')} onClose={() => setOpen(null)}>
          <p>{t(alert.lasts ? 'alerts.closeLasts' : 'alerts.closeHint')}</p>
          <footer>
            <Button onClick={() => setOpen(null)}>{t('action.cancel')}</Button>
            <Button tone="primary" onClick={() => done({ action: 'close' })}>
              {t('alerts.close')}
            </Button>
          </footer>
        </Dialog>
      )}
    </section>
  );
}

function CommentForm({ act }: Pick<Props, 'act'>) {
  const [text, setText] = useState('');
  const send = async (event: Event) => {
    event.preventDefault();
    if (text.trim() && (await act({ action: 'comment', text: text.trim() }))) setText('');
  };
  return (
    <form class="comment" onSubmit={send}>
      <TextArea label={t('alerts.comment')} value={text} onChange={setText} rows={2} maxLength={2000} />
      <Button type="submit" icon={MessageSquare} disabled={!text.trim()}>
        {t('alerts.sendComment')}
      </Button>
    </form>
  );
}

interface DialogProps {
  act: (body: Act) => Promise<void>;
  onClose: () => void;
}

function AssignDialog({ alert, act, onClose }: DialogProps & { alert: AlertDetail }) {
  const me = access.value?.session?.email ?? '';
  const [who, setWho] = useState(alert.assignee ?? '');
  const found = useData(`assignees ${alert.site}`, (signal) =>
    ask(api.GET('/api/v1/alerts/assignees', { params: { query: { site: alert.site } }, signal })),
  );
  const people = found.data ?? [];
  const isThere = people.some(({ account }) => account === me);
  const options = [
    { value: '', label: t('alerts.nobody') },
    ...people.map(({ account, name }) => ({ value: account, label: `${name} (${account})` })),
  ];
  return (
    <Dialog title={t('alerts.assign')} onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void act({ action: 'assign', assignee: who || null });
        }}
      >
        <Select label={t('alerts.assignee')} value={who} options={options} onChange={setWho} />
        {found.data && !people.length && <p class="soft small">{t('alerts.noAssignees')}</p>}
        <footer>
          {isThere && who !== me && <Button onClick={() => setWho(me)}>{t('alerts.toMe')}</Button>}
          <Button type="submit" tone="primary">
            {t('alerts.assign')}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}

function SilenceDialog({ site, act, onClose }: DialogProps & { site: string }) {
  const zone = zoneOf(site);
  const [forS, setForS] = useState(String(SILENCES_S[1]));
  const [own, setOwn] = useState('');
  const until = forS ? new Date(Date.now() + Number(forS) * 1000).toISOString() : localMoment(own, zone);
  return (
    <Dialog title={t('alerts.silence')} onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (until) void act({ action: 'silence', until });
        }}
      >
        <p class="soft">{t('alerts.silenceHint')}</p>
        <Select
          label={t('alerts.silenceFor')}
          value={forS}
          options={[
            ...SILENCES_S.map((seconds) => ({ value: String(seconds), label: span(seconds) })),
            { value: '', label: t('alerts.silenceOwn') },
          ]}
          onChange={setForS}
        />
        {!forS && (
          <Field
            label={t('alerts.silencedUntil')}
            type="datetime-local"
            required
            {...(differs(Date.now(), zone) && { hint: t('alerts.siteTime', { zone: zone ?? '' }) })}
            value={own}
            onInput={(event: Event) => setOwn((event.currentTarget as HTMLInputElement).value)}
          />
        )}
        <footer>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button type="submit" tone="primary" disabled={!until}>
            {t('alerts.silence')}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
