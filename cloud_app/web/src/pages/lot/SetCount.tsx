/** Setting the count of a lot, or of one of its levels, by hand. */

import { useState } from 'preact/hooks';
import { ApiError, api, ask, askWithVersion } from '../../api/client';
import type { LevelCount, LotCount } from '../../api/types';
import { toast } from '../../app/toasts';
import { Button } from '../../components/Button';
import { Dialog } from '../../components/Dialog';
import { Field } from '../../components/Field';
import { Stale } from '../../components/Form';
import { faultText } from '../../components/states';
import { t } from '../../i18n';
import { count as number } from '../../i18n/format';
import { countTyped } from './counted';

interface SetCountProps {
  site: string;
  lot: string;
  /** Of it, instead of the whole lot. */
  level?: LevelCount;
  known: { data: LotCount; etag: string };
  onClose: () => void;
}

/** Types a count, asks once more, and tells if somebody else was faster. */
export function SetCount({ site, lot, level, known, onClose }: SetCountProps) {
  const [base, setBase] = useState(known);
  const [text, setText] = useState('');
  const [note, setNote] = useState('');
  const [fault, setFault] = useState<string | null>(null);
  const [isAsked, setAsked] = useState(false);
  const [isStale, setStale] = useState(false);
  const typed = countTyped(text);

  const next = (event: Event) => {
    event.preventDefault();
    setFault(typed === null ? t('count.fault') : null);
    setAsked(typed !== null);
  };
  const save = async () => {
    if (typed === null) return;
    try {
      await ask(
        api.POST('/api/v1/lots/{site}/{lot}/count', {
          params: { path: { site, lot }, header: { 'if-match': base.etag } },
          body: { count: typed, note: note.trim() || null, level: level?.level ?? null },
        }),
      );
      toast(t('count.isSet', { n: number(typed) }), 'good');
      onClose();
    } catch (error) {
      setAsked(false);
      if (error instanceof ApiError && error.status === 412) {
        const again = await askWithVersion(
          api.GET('/api/v1/lots/{site}/{lot}/count', { params: { path: { site, lot } } }),
        );
        setBase(again);
        setStale(true);
      } else setFault(error instanceof ApiError ? faultText(error) : String(error));
    }
  };

  if (isAsked && typed !== null) {
    const shown = level ? (level.source === null ? null : level.occupied) : base.data.count;
    const now = shown === null ? t('count.unknown') : number(shown);
    return (
      <Dialog title={t('count.confirmTitle', { n: number(typed) })} onClose={onClose}>
        <p>{t('count.confirm', { n: number(typed), now })}</p>
        <footer>
          <Button onClick={() => setAsked(false)}>{t('action.cancel')}</Button>
          <Button tone="primary" onClick={save}>
            {t('count.set')}
          </Button>
        </footer>
      </Dialog>
    );
  }
  return (
    <Dialog title={level ? t('levels.set', { level: level.level }) : t('count.setTitle')} onClose={onClose}>
      <form class="form" onSubmit={next}>
        {isStale && (
          <Stale text={t('count.stale', { n: number(base.data.last_true?.count ?? 0) })}>{null}</Stale>
        )}
        <Field
          label={t('count.setField')}
          hint={t('count.setHint')}
          fault={fault}
          inputMode="numeric"
          autoComplete="off"
          value={text}
          onInput={(event: Event) => setText((event.currentTarget as HTMLInputElement).value)}
        />
        <Field
          label={t('count.note')}
          maxLength={200}
          value={note}
          onInput={(event: Event) => setNote((event.currentTarget as HTMLInputElement).value)}
        />
        <footer>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button tone="primary" type="submit">
            {t('count.set')}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
