/** One versioned thing in a dialog: typed, saved, in conflict with what somebody else saved. */

import type { ComponentChildren } from 'preact';
import { type StateUpdater, useState } from 'preact/hooks';
import { ApiError } from '../api/client';
import { toast } from '../app/toasts';
import { t } from '../i18n';
import { Button } from './Button';
import { Conflict, type Difference } from './Conflict';
import { Dialog } from './Dialog';
import { Fault, faultText } from './states';

export const ifMatch = ({ version }: { version: number }) => ({ 'if-match': `"${version}"` });

interface EditingOptions<T, D> {
  /** As it was when the dialog opened; undefined for a new one. */
  thing: T | undefined;
  /** What a 412 calls it in its body, which holds it as it is now. */
  name: string;
  /** What the form begins with. */
  draftOf: (thing: T | undefined) => D;
  differences: (mine: D, theirs: D) => readonly Difference[];
  /**
   * @param now the thing as the service has it, as far as is known; undefined for a new one.
   * @param keep where saving takes several steps: what one of them made of it.
   */
  save: (draft: D, now: T | undefined, keep: (now: T) => void) => Promise<unknown>;
  onDone: () => void;
}

export interface Editing<D> {
  draft: D;
  setDraft: (draft: StateUpdater<D>) => void;
  set: (change: Partial<D>) => void;
  submit: (event: Event) => Promise<void>;
  fault: string | undefined;
  /** Above the form while somebody else's version is in the way; nothing that was typed is lost. */
  conflict: ComponentChildren;
  onDone: () => void;
}

export function useEditing<T extends { version: number }, D>({
  thing,
  name,
  draftOf,
  differences,
  save,
  onDone,
}: EditingOptions<T, D>): Editing<D> {
  const [now, setNow] = useState(thing);
  const [draft, setDraft] = useState(() => draftOf(thing));
  const [isStale, setStale] = useState(false);
  const [fault, setFault] = useState<string>();

  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await save(draft, now, setNow);
      toast(t('saved'), 'good');
      onDone();
    } catch (error) {
      if (error instanceof ApiError && error.status === 412) {
        setNow((error.body as Record<string, T>)[name]);
        setStale(true);
      } else setFault(faultText(error));
    }
  };
  const theirs = () => draftOf(now);
  const conflict = isStale && (
    <Conflict
      differences={differences(draft, theirs())}
      onTake={() => {
        setDraft(theirs);
        setStale(false);
      }}
    />
  );
  const set = (change: Partial<D>) => setDraft({ ...draft, ...change });
  return { draft, setDraft, set, submit, fault, conflict, onDone };
}

interface EditDialogProps<D> {
  title: string;
  of: Editing<D>;
  /** Of the form, beside `form`. */
  class?: string;
  /** Buttons before that which saves. */
  actions?: ComponentChildren;
  children: ComponentChildren;
}

export function EditDialog<D>({ title, of, class: name = '', actions, children }: EditDialogProps<D>) {
  return (
    <Dialog title={title} onClose={of.onDone}>
      <form class={`form ${name}`} onSubmit={of.submit}>
        {of.conflict}
        {children}
        <Fault text={of.fault} />
        <footer>
          {actions}
          <Button type="submit" tone="primary">
            {t('action.save')}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
