import { Trash2 } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { toast, toastError } from '../app/toasts';
import { t } from '../i18n';
import { Button } from './Button';
import { Dialog } from './Dialog';

interface ConfirmProps {
  title: string;
  text: string;
  /** What the button says. */
  action: string;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before something that cannot be undone. */
export function Confirm({ title, text, action, onConfirm, onClose }: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      <footer>
        <Button onClick={onClose}>{t('action.cancel')}</Button>
        <Button tone="danger" onClick={onConfirm}>
          {action}
        </Button>
      </footer>
    </Dialog>
  );
}

interface DeleteButtonProps {
  title: string;
  text: string;
  onDelete: () => Promise<unknown>;
  /** What is told once it is gone. */
  deleted: string;
  onGone: () => void;
}

/** Deletes something, after asking. */
export function DeleteButton({ title, text, onDelete, deleted, onGone }: DeleteButtonProps) {
  const [isAsking, setAsking] = useState(false);
  const remove = async () => {
    try {
      await onDelete();
      toast(deleted, 'good');
      onGone();
    } catch (error) {
      toastError(error);
    }
  };
  return (
    <>
      <Button icon={Trash2} tone="danger" onClick={() => setAsking(true)}>
        {t('action.delete')}
      </Button>
      {isAsking && (
        <Confirm
          title={title}
          text={text}
          action={t('action.delete')}
          onConfirm={remove}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}
