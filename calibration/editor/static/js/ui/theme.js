/** Dark or light: as the system has it until the person chooses. */

const KEY = 'lotsight-theme';

/** @returns {'dark'|'light'} */
const current = () =>
  /** @type {'dark'|'light'} */ (
    document.documentElement.dataset.theme ??
      (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')
  );

export function restoreTheme() {
  const kept = localStorage.getItem(KEY);
  if (kept === 'dark' || kept === 'light') document.documentElement.dataset.theme = kept;
}

export function toggleTheme() {
  const next = current() === 'dark' ? 'light' : 'dark';
  document.documentElement.dataset.theme = next;
  localStorage.setItem(KEY, next);
}
