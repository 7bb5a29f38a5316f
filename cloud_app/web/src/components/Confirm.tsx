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
