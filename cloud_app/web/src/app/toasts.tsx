/** Short messages that come and go; read aloud by screen readers. */

import { signal } from '@preact/signals';
import { X } from 'lucide-preact';
import { IconButton } from '../components/Button';
import { faultText } from '../components/states';
import { t } from '../i18n';

type Tone = 'info' | 'good' | 'bad';
interface Toast {
  id: number;
  text: string;
  tone: Tone;
}

const toasts = signal<readonly Toast[]>([]);
let last = 0;

const SHOWN_MS = { info: 5000, good: 4000, bad: 10_000 };

export function toast(text: string, tone: Tone = 'info'): void {
  const id = ++last;
  toasts.value = [...toasts.value.slice(-3), { id, text, tone }];
  setTimeout(() => drop(id), SHOWN_MS[tone]);
}

/** Tell that something did not work. */
export function toastError(error: unknown): void {
  toast(faultText(error), 'bad');
}

const drop = (id: number) => {
  toasts.value = toasts.value.filter((each) => each.id !== id);
};

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, tone }) => (
        <div key={id} class={`toast ${tone}`}>
          <p>{text}</p>
          <IconButton label={t('action.close')} icon={X} size="small" quiet onClick={() => drop(id)} />
        </div>
      ))}
    </div>
  );
}
