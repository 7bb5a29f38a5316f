/** What only a saved rule has: its quarantine, what it could not send, its end. */

import { RotateCcw, Send, Trash2 } from 'lucide-preact';
import { api, ask } from '../../api/client';
import type { DeadLetter, Rule } from '../../api/types';
import { useData } from '../../api/useData';
import { toast, toastError } from '../../app/toasts';
import { Button } from '../../components/Button';
import { DeleteButton } from '../../components/Confirm';
import { Ago } from '../../components/Time';
import { t, tn, word } from '../../i18n';

const paramsOf = (rule: Rule) => ({ path: { rule: rule.id } });

/** Why it was stopped, and the way on. */
export function Quarantine({ rule, onDone }: { rule: Rule; onDone: () => void }) {
  if (!rule.quarantined) return null;
  const release = async () => {
    try {
      await ask(api.POST('/api/v1/rules/{rule}/release', { params: paramsOf(rule) }));
      toast(t('rules.released'), 'good');
      onDone();
    } catch (error) {
      toastError(error);
    }
  };
  return (
    <div class="banner rounded bad rule-stopped" role="alert">
      <div>
        <strong>
          {t('rules.stoppedSince')} <Ago at={rule.quarantined} />
        </strong>
        <p>{rule.fault}</p>
      </div>
      <Button size="small" icon={RotateCcw} onClick={release}>
        {t('rules.release')}
      </Button>
    </div>
  );
}

/** What was given up: sent again, or dropped. */
export function DeadLetters({ rule, onDone }: { rule: Rule; onDone: () => void }) {
  const letters = useData<readonly DeadLetter[]>(rule.dead ? `letters ${rule.id}` : null, (signal) =>
    ask(
      api.GET('/api/v1/rules/{rule}/letters', {
        params: { ...paramsOf(rule), query: { limit: 20 } },
        signal,
      }),
    ),
  );
  if (!rule.dead) return null;
  const act = async (
    does: () => Promise<{ letters: number }>,
    what: 'rules.replayed' | 'rules.discarded',
  ) => {
    try {
      const { letters: n } = await does();
      toast(tn(what, n), 'good');
      onDone();
    } catch (error) {
      toastError(error);
    }
  };
  const params = paramsOf(rule);
  return (
    <section class="rule-letters" aria-label={t('rules.letters')}>
      <h3>{tn('rules.dead', rule.dead)}</h3>
      <ul>
        {letters.data?.map(({ id, action, made, fault }) => (
          <li key={id}>
            <Ago at={made} /> {word('ruleAction', action)}: {fault}
          </li>
        ))}
      </ul>
      <div class="row">
        <Button
          size="small"
          icon={Send}
          onClick={() =>
            act(() => ask(api.POST('/api/v1/rules/{rule}/letters/replay', { params })), 'rules.replayed')
          }
        >
          {t('rules.replay')}
        </Button>
        <Button
          size="small"
          icon={Trash2}
          onClick={() =>
            act(() => ask(api.DELETE('/api/v1/rules/{rule}/letters', { params })), 'rules.discarded')
          }
        >
          {t('rules.discard')}
        </Button>
      </div>
    </section>
  );
}

export function Delete({ rule, onDone }: { rule: Rule; onDone: () => void }) {
  return (
    <DeleteButton
      title={t('notifications.deleteTitle')}
      text={t('rules.deleteHint', { name: rule.rule.name })}
      onDelete={() => ask(api.DELETE('/api/v1/rules/{rule}', { params: paramsOf(rule) }))}
      deleted={t('notifications.deleted')}
      onGone={onDone}
    />
  );
}
