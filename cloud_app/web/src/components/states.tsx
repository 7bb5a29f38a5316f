/** What is shown in place of data: not yet, none, not now, not for you. */

import { CircleAlert, Inbox, Lock, type LucideIcon, RotateCw, Unplug } from 'lucide-preact';
import type { ComponentChildren } from 'preact';
import { ApiError } from '../api/client';
import type { Data } from '../api/useData';
import { t } from '../i18n';
import { Button } from './Button';

interface NoticeProps {
  title: string;
  icon?: LucideIcon;
  tone?: 'bad' | 'plain';
  children?: ComponentChildren;
}

export function Notice({ title, icon: Icon = Inbox, tone = 'plain', children }: NoticeProps) {
  return (
    <div class={`notice ${tone}`}>
      <Icon size={28} strokeWidth={1.6} aria-hidden="true" />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** Grey lines where text will be. */
export function Skeleton({ lines = 4 }: { lines?: number }) {
  return (
    <div class="skeletons" role="status" aria-label={t('state.loading')}>
      {Array.from({ length: lines }, (_, i) => (
        <span key={i} class="skeleton" style={{ width: `${[92, 74, 84, 61][i % 4]}%` }} />
      ))}
    </div>
  );
}

/** An error in the reader's words. */
export function faultText(error: unknown): string {
  if (!(error instanceof ApiError)) return String(error);
  if (error.status === 0) return t('fault.unreachable');
  if (error.status === 403) return t('fault.forbidden');
  if (error.status === 429 && error.retryAfterS) return t('fault.wait', { n: error.retryAfterS });
  if (error.status >= 500) return `${t('fault.failed')} ${error.message}`;
  return error.message;
}

/** Why a form was not taken; nothing while there is nothing to say. */
export function Fault({ text }: { text: string | undefined }) {
  if (!text) return null;
  return (
    <p class="banner rounded bad" role="alert">
      {text}
    </p>
  );
}

/** Whether there is no such thing; an id that cannot be one (422 of the address) is no other case. */
export function isNotFound({ status, body }: ApiError): boolean {
  if (status === 404) return true;
  const detail = (body as { detail?: unknown } | null)?.detail;
  if (status !== 422 || !Array.isArray(detail) || !detail.length) return false;
  return (detail as { loc?: unknown[] }[]).every(({ loc }) => loc?.[0] === 'path');
}

export function ErrorState({ error, retry }: { error: ApiError; retry?: () => void }) {
  if (error.status === 403) return <NoPermission />;
  if (isNotFound(error)) {
    return (
      <Notice title={t('state.notFound')} icon={Inbox}>
        <p>{t('state.nothingThere')}</p>
      </Notice>
    );
  }
  return (
    <Notice title={t('state.error')} icon={error.status === 0 ? Unplug : CircleAlert} tone="bad">
      <p>{faultText(error)}</p>
      {retry && (
        <Button icon={RotateCw} onClick={retry}>
          {t('action.retry')}
        </Button>
      )}
    </Notice>
  );
}

export function NoPermission() {
  return (
    <Notice title={t('state.noPermission')} icon={Lock}>
      <p>{t('state.noPermissionHint')}</p>
    </Notice>
  );
}

/** A line above data that is old, since asking again failed. */
export function OldData({ error, retry }: { error: ApiError; retry: () => void }) {
  return (
    <div class="banner rounded" role="status">
      <Unplug size={16} aria-hidden="true" />
      <span class="grow">{t('state.old', { why: faultText(error) })}</span>
      <Button size="small" onClick={retry}>
        {t('action.retry')}
      </Button>
    </div>
  );
}

interface LoadedProps<T> {
  of: Data<T>;
  /** In place of the grey lines. */
  skeleton?: ComponentChildren;
  children: (data: T) => ComponentChildren;
}

/** Data, or what stands in its place. */
export function Loaded<T>({ of, skeleton, children }: LoadedProps<T>) {
  const { data, error, reload } = of;
  if (data === undefined) {
    if (error) return <ErrorState error={error} retry={reload} />;
    return <>{skeleton ?? <Skeleton />}</>;
  }
  return (
    <>
      {error && <OldData error={error} retry={reload} />}
      {children(data)}
    </>
  );
}
