import { Download } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { ApiError, accessToken, credentials, detailOf } from '../api/client';
import { toastError } from '../app/toasts';
import { t } from '../i18n';
import { Button, ButtonLink } from './Button';

/** A link to a file of the API. A browser does not send a token with a link, so then it is fetched. */
export function Export({ href, label = t('list.export') }: { href: string; label?: string }) {
  const [isBusy, setBusy] = useState(false);
  if (!accessToken()) {
    return (
      <ButtonLink href={href} download icon={Download} size="small">
        {label}
      </ButtonLink>
    );
  }
  const save = async () => {
    setBusy(true);
    try {
      await fetchFile(href);
    } catch (error) {
      toastError(error);
    }
    setBusy(false);
  };
  return (
    <Button icon={Download} size="small" disabled={isBusy} onClick={save}>
      {label}
    </Button>
  );
}

async function fetchFile(href: string): Promise<void> {
  const response = await fetch(href, { headers: credentials() });
  if (!response.ok)
    throw new ApiError(response.status, detailOf(await response.json()) ?? response.statusText);
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download =
    /filename="([^"]+)"/.exec(response.headers.get('Content-Disposition') ?? '')?.[1] ?? 'export.csv';
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
