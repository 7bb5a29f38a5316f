/** What a sensor can be asked for over the radio, what was asked, and how far that came. */

import { Binary, Clock, Crosshair, RotateCcw, Send, X } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { Downlink, DownlinkAction, DownlinkList, NewDownlink, SensorDetail } from '../../api/types';
import { useData } from '../../api/useData';
import { may } from '../../app/session';
import { toast, toastError } from '../../app/toasts';
import { Button, IconButton } from '../../components/Button';
import { Card } from '../../components/Card';
import { Confirm } from '../../components/Confirm';
import { Dialog } from '../../components/Dialog';
import { Field } from '../../components/Field';
import { Loaded, Notice } from '../../components/states';
import { ActionTable } from '../../components/Table';
import { Ago, At } from '../../components/Time';
import { t, word } from '../../i18n';
import { span } from '../../i18n/format';
import { DOWNLINK_TONES, isDownlinkOpen } from './sensors';

const [QUICK_S, SLOW_S] = [5, 60];
const ICONS = { interval: Clock, recalibrate: Crosshair, restart: RotateCcw, bytes: Binary };

export function DownlinksCard({ sensor }: { sensor: SensorDetail }) {
  const path = { device: sensor.device };
  const [asks, setAsks] = useState<DownlinkAction>();
  const [quick, setQuick] = useState(false);
  const list = useData<DownlinkList>(
    `downlinks ${sensor.device}`,
    (signal) => ask(api.GET('/api/v1/sensors/{device}/downlinks', { params: { path }, signal })),
    { everyS: quick ? QUICK_S : SLOW_S },
  );
  const open = list.data?.downlinks.some(isDownlinkOpen) ?? false;
  if (open !== quick) setQuick(open);
  const send = async (body: NewDownlink) => {
    setAsks(undefined);
    try {
      await ask(api.POST('/api/v1/sensors/{device}/downlinks', { params: { path }, body }));
      toast(t('downlinks.asked', { name: word('downlinkAction', body.action) }), 'good');
    } catch (error) {
      toastError(error);
    }
    list.reload();
  };
  return (
    <Card title={t('downlinks.title')} flush>
      <Loaded of={list}>
        {({ actions, unreachable, downlinks }) => (
          <>
            {may('operate') && !unreachable && (
              <div class="downlink-actions">
                {actions.map((each) => (
                  <Button key={each} size="small" icon={ICONS[each]} onClick={() => setAsks(each)}>
                    {word('downlinkAction', each)}
                  </Button>
                ))}
              </div>
            )}
            {downlinks.length ? (
              <DownlinkTable downlinks={downlinks} reload={list.reload} />
            ) : (
              <Notice title={t('downlinks.none')} icon={Send}>
                <p>{unreachable ?? t('downlinks.noneHint')}</p>
              </Notice>
            )}
          </>
        )}
      </Loaded>
      {asks && <Asking action={asks} sensor={sensor} onSend={send} onClose={() => setAsks(undefined)} />}
    </Card>
  );
}

interface AskingProps {
  action: DownlinkAction;
  sensor: SensorDetail;
  onSend: (body: NewDownlink) => void;
  onClose: () => void;
}

function Asking({ action, sensor, onSend, onClose }: AskingProps) {
  const title = word('downlinkAction', action);
  if (action === 'interval' || action === 'bytes') {
    return (
      <Dialog title={title} onClose={onClose}>
        {action === 'interval' ? (
          <IntervalForm sensor={sensor} onSend={onSend} onClose={onClose} />
        ) : (
          <BytesForm onSend={onSend} onClose={onClose} />
        )}
      </Dialog>
    );
  }
  return (
    <Confirm
      title={title}
      text={t(`downlinks.hint.${action}`)}
      action={title}
      onConfirm={() => onSend({ action, confirmed: true })}
      onClose={onClose}
    />
  );
}

type FormProps = Omit<AskingProps, 'action'>;

function IntervalForm({ sensor, onSend, onClose }: FormProps) {
  const [minutes, setMinutes] = useState(String(Math.round((sensor.period_s ?? 3600) / 60)));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onSend({ action: 'interval', interval_s: Math.round(Number(minutes) * 60), confirmed: true });
      }}
    >
      <Field
        label={t('downlinks.minutes')}
        hint={t('downlinks.hint.interval')}
        type="number"
        min="1"
        step="1"
        required
        value={minutes}
        onInput={(event: Event) => setMinutes((event.currentTarget as HTMLInputElement).value)}
      />
      <Buttons onClose={onClose} />
    </form>
  );
}

function BytesForm({ onSend, onClose }: Omit<FormProps, 'sensor'>) {
  const [port, setPort] = useState('');
  const [payload, setPayload] = useState('');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const text = payload.replace(/\s/g, '');
        onSend({ action: 'bytes', f_port: Number(port), payload: text, confirmed: true });
      }}
    >
      <p class="soft">{t('downlinks.hint.bytes')}</p>
      <Field
        label={t('sensors.port')}
        type="number"
        min="1"
        max="223"
        required
        value={port}
        onInput={(event: Event) => setPort((event.currentTarget as HTMLInputElement).value)}
      />
      <Field
        label={t('downlinks.hex')}
        required
        pattern="(\s*[0-9A-Fa-f]{2})+\s*"
        autocomplete="off"
        spellcheck={false}
        value={payload}
        onInput={(event: Event) => setPayload((event.currentTarget as HTMLInputElement).value)}
      />
      <Buttons onClose={onClose} />
    </form>
  );
}

function Buttons({ onClose }: { onClose: () => void }) {
  return (
    <footer>
      <Button onClick={onClose}>{t('action.cancel')}</Button>
      <Button tone="primary" type="submit">
        {t('downlinks.send')}
      </Button>
    </footer>
  );
}

function DownlinkTable({ downlinks, reload }: { downlinks: readonly Downlink[]; reload: () => void }) {
  return (
    <ActionTable
      heads={[
        t('downlinks.what'),
        t('alerts.state'),
        t('device.issued'),
        t('device.by'),
        t('downlinks.life'),
      ]}
    >
      {downlinks.map((each) => (
        <Row key={each.id} downlink={each} reload={reload} />
      ))}
    </ActionTable>
  );
}

function Row({ downlink, reload }: { downlink: Downlink; reload: () => void }) {
  const { action, actor, device, f_port, id, interval_s, issued, payload, site, state } = downlink;
  const withdraw = async () => {
    try {
      const params = { path: { device, downlink: id } };
      await ask(api.DELETE('/api/v1/sensors/{device}/downlinks/{downlink}', { params }));
    } catch (error) {
      toastError(error);
    }
    reload();
  };
  return (
    <tr>
      <th scope="row">
        {word('downlinkAction', action)}
        {interval_s !== null && ` ${span(interval_s)}`}
        <code class="downlink-bytes">
          {f_port}: {payload}
        </code>
      </th>
      <td>
        <span class={`badge ${DOWNLINK_TONES[state]}`}>{word('downlinkState', state)}</span>
      </td>
      <td>
        <Ago at={issued} site={site} />
      </td>
      <td class="soft">{actor}</td>
      <td>
        <Life downlink={downlink} />
      </td>
      <td class="end">
        {state === 'waiting' && may('operate') && (
          <IconButton size="small" quiet icon={X} label={t('device.withdraw')} onClick={withdraw} />
        )}
      </td>
    </tr>
  );
}

/** When each stage was reached; of one that is on its way, until when it is waited for. */
function Life({ downlink }: { downlink: Downlink }) {
  const { site, detail, expires } = downlink;
  const stages = (['queued', 'sent', 'acknowledged'] as const).filter((each) => downlink[each]);
  return (
    <div class="downlink-life small">
      {stages.map((each) => (
        <span key={each}>
          {word('downlinkState', each)} <At at={downlink[each] ?? ''} site={site} />
        </span>
      ))}
      {detail && <span>{detail}</span>}
      {isDownlinkOpen(downlink) && (
        <span class="soft">
          {t('downlinks.until')} <At at={expires} site={site} />
        </span>
      )}
    </div>
  );
}
