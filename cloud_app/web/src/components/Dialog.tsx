import { X } from 'lucide-preact';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../i18n';
import { IconButton } from './Button';

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}

/** A modal dialog; it is shown while it is rendered. */
export function Dialog({ title, onClose, children }: DialogProps) {
  return (
    <Modal class="dialog" label={title} onClose={onClose}>
      <header>
        <h2>{title}</h2>
        <IconButton label={t('action.close')} icon={X} quiet onClick={onClose} />
      </header>
      <div class="body">{children}</div>
    </Modal>
  );
}

interface ModalProps {
  class: string;
  label: string;
  onClose: () => void;
  children: ComponentChildren;
}

/** The bare element: Escape and a click beside it close it. */
export function Modal({ class: name, label, onClose, children }: ModalProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    if (dialog && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape does the same
    <dialog
      ref={element}
      class={name}
      aria-label={label}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === element.current) onClose();
      }}
    >
      {children}
    </dialog>
  );
}
