/** Commands to a box: sent, followed through their life, and the files that answer them. */

import { Download, FileText, Package, RefreshCw, RotateCcw, Send, X } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { Command, CommandName } from '../../api/types';
import { type Data, useData } from '../../api/useData';
import { may } from '../../app/session';
import { toast, toastError } from '../../app/toasts';
import { Button, ButtonLink, IconButton } from '../../components/Button';
import { Card } from '../../components/Card';
import { Confirm } from '../../components/Confirm';
import { Loaded, Notice } from '../../components/states';
import { ActionTable } from '../../components/Table';
import { Ago, At } from '../../components/Time';
import { t, word } from '../../i18n';
import { isOpen, toneOf } from './device';

const [QUICK_S, SLOW_S, SHOWN] = [2, 30, 20];
const BUTTONS = [
  { name: 'recent_logs', icon: FileText },
  { name: 'diagnostics_bundle', icon: Package },
  { name: 'refresh_layout', icon: RefreshCw },
] as const satisfies readonly { name: CommandName; icon: unknown }[];
const WITH_FILES: readonly string[] = ['recent_logs', 'diagnostics_bundle'];

/** Send a command; null if it could not be sent, which is told. It expires when the service says, unless told. */
export async function sendCommand(
  edge: string,
  name: CommandName,
  args: Record<string, string | boolean> = {},
  life_s: number | null = null,
): Promise<Command | null> {
  try {
    const params = { path: { edge } };
    return await ask(api.POST('/api/v1/edges/{edge}/commands', { params, body: { name, args, life_s } }));
  } catch (error) {
    toastError(error);
    return null;
  }
}

export function useCommands(edge: string): Data<readonly Command[]> {
  const [quick, setQuick] = useState(false);
  const commands = useData<readonly Command[]>(
    `commands ${edge}`,
    (signal) => {
      const params = { path: { edge }, query: { limit: SHOWN } };
      return ask(api.GET('/api/v1/edges/{edge}/commands', { params, signal }));
    },
    { everyS: quick ? QUICK_S : SLOW_S },
  );
  const open = commands.data?.some(({ state }) => isOpen(state)) ?? false;
  if (open !== quick) setQuick(open);
  return commands;
}

export function CommandsCard({ edge, commands }: { edge: string; commands: Data<readonly Command[]> }) {
  const [asksRestart, setAsksRestart] = useState(false);
  const send = async (name: CommandName) => {
    if (!(await sendCommand(edge, name))) return;
    toast(t('device.sent', { name: word('command', name) }), 'good');
    commands.reload();
  };
  return (
    <Card title={t('device.commands')} flush>
      {may('operate') && (
        <div class="device-actions">
          {BUTTONS.map(({ name, icon }) => (
            <Button key={name} size="small" icon={icon} onClick={() => send(name)}>
              {word('command', name)}
            </Button>
          ))}
          <Button size="small" icon={RotateCcw} onClick={() => setAsksRestart(true)}>
            {word('command', 'restart_service')}
          </Button>
        </div>
      )}
      <Loaded of={commands}>
        {(found) =>
          found.length ? (
            <CommandTable edge={edge} found={found} reload={commands.reload} />
          ) : (
            <Notice title={t('device.noCommands')} icon={Send}>
              <p>{t('device.noCommandsHint')}</p>
            </Notice>
          )
        }
      </Loaded>
      {asksRestart && (
        <Confirm
          title={word('command', 'restart_service')}
          text={t('device.restartHint')}
          action={t('device.restart')}
          onClose={() => setAsksRestart(false)}
          onConfirm={() => {
            setAsksRestart(false);
            void send('restart_service');
          }}
        />
      )}
    </Card>
  );
}

function CommandTable(props: { edge: string; found: readonly Command[]; reload: () => void }) {
  return (
    <ActionTable
      heads={[t('device.command'), t('alerts.state'), t('device.issued'), t('device.by'), t('device.answer')]}
    >
      {props.found.map((each) => (
        <Row key={each.id} edge={props.edge} command={each} reload={props.reload} />
      ))}
    </ActionTable>
  );
}

function Row({ edge, command, reload }: { edge: string; command: Command; reload: () => void }) {
  const params = { path: { edge, command: command.id } };
  const withdraw = async () => {
    try {
      await ask(api.DELETE('/api/v1/edges/{edge}/commands/{command}', { params }));
    } catch (error) {
      toastError(error);
    }
    reload();
  };
  const args = Object.entries(command.args).map(([key, value]) => `${key} ${String(value)}`);
  return (
    <tr>
      <th scope="row">
        {word('command', command.name)}
        {args.length > 0 && <span class="soft small"> {args.join(', ')}</span>}
      </th>
      <td>
        <span class={`badge ${toneOf(command.state)}`}>{word('commandState', command.state)}</span>
      </td>
      <td>
        <Ago at={command.issued} site={command.site} />
      </td>
      <td class="soft">{command.actor}</td>
      <td class="device-answer">
        <Answer command={command} />
      </td>
      <td class="end">
        {command.state === 'done' && WITH_FILES.includes(command.name) && may('operate') && (
          <ButtonLink
            size="small"
            icon={Download}
            download
            href={`/api/v1/edges/${encodeURIComponent(edge)}/commands/${encodeURIComponent(command.id)}/file`}
            aria-label={`${t('device.file')}: ${word('command', command.name)}`}
          >
            {t('device.file')}
          </ButtonLink>
        )}
        {command.state === 'waiting' && may('operate') && (
          <IconButton size="small" quiet icon={X} label={t('device.withdraw')} onClick={withdraw} />
        )}
      </td>
    </tr>
  );
}

function Answer({ command }: { command: Command }) {
  if (command.detail) return <>{command.detail}</>;
  if (isOpen(command.state)) {
    return (
      <span class="soft">
        {t('device.until')} <At at={command.expires} site={command.site} />
      </span>
    );
  }
  const facts = Object.entries(command.result).filter(([, value]) => typeof value !== 'object');
  return <>{facts.map(([key, value]) => `${key} ${String(value)}`).join(', ')}</>;
}
