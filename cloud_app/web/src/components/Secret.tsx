import { Copy } from 'lucide-preact';
import { toast, toastError } from '../app/toasts';
import { t } from '../i18n';
import { IconButton } from './Button';

/** A text that is to be taken along. */
export function Secret({ text, label }: { text: string; label: string }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      toast(t('secret.copied'), 'good');
    } catch (error) {
      toastError(error);
    }
  };
  return (
    <div class="secret">
      <output class="grow code" aria-label={label}>
        {text}
      </output>
      {/* Over plain HTTP a browser has no clipboard; the text can be selected. */}
      {'clipboard' in navigator && (
        <IconButton label={t('secret.copy')} icon={Copy} quiet size="small" onClick={copy} />
      )}
    </div>
  );
}
