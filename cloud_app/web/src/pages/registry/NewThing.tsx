import { useState } from 'preact/hooks';
import { ApiError } from '../../api/client';
import { Button } from '../../components/Button';
import { Dialog } from '../../components/Dialog';
import { Field } from '../../components/Field';
import { Fault, faultText } from '../../components/states';
import { t, word } from '../../i18n';
import { IDS, type Kind } from './fields';
import { create } from './registry';

interface Props {
  kind: Kind;
  /** Known already, by what the list shows. */
  ids: Readonly<Record<string, string>>;
  /** With the key of what was made. */
  onDone: (key?: string) => void;
}

/** Name a new thing; what is known of it comes after. */
export function NewThing({ kind, ids, onDone }: Props) {
  const [typed, setTyped] = useState<Record<string, string>>(ids);
  const [fault, setFault] = useState<string>();
  const make = async (event: Event) => {
    event.preventDefault();
    const key = IDS[kind].map((name) => (typed[name] ?? '').trim()).join('/');
    try {
      await create(kind, key, {});
      onDone(key);
    } catch (error) {
      const isThere = error instanceof ApiError && error.status === 428;
      setFault(isThere ? t('registry.isThere') : faultText(error));
    }
  };
  return (
    <Dialog title={t('registry.newOf', { kind: t(`registry.${kind}`) })} onClose={() => onDone()}>
      <form class="form" onSubmit={make}>
        {IDS[kind].map((name) => (
          <Field
            key={name}
            label={word('field', name)}
            hint={t('registry.idHint')}
            required
            pattern="[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}"
            value={typed[name] ?? ''}
            onInput={(event: Event) =>
              setTyped({ ...typed, [name]: (event.currentTarget as HTMLInputElement).value })
            }
          />
        ))}
        <Fault text={fault} />
        <footer>
          <Button onClick={() => onDone()}>{t('action.cancel')}</Button>
          <Button type="submit" tone="primary">
            {t('registry.make')}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
