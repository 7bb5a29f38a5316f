/** Line icons on a 24 x 24 grid, drawn for this editor. */

import { s } from '../../../shared/dom.js';

/** @type {Record<string, string>} */
const PATHS = {
  select: 'M5 3l14 8-6 1.5L10 19z',
  polygon: 'M12 4l8 6-3 9H7L4 10z',
  row: 'M3 8l14-3 4 13-18 1zM8 7l1 12M12.5 6l2.5 12.4',
  mask: 'M4 5h16v14H4zM4 12l7-7M4 18.5L17.5 5M9 19L20 8M15.5 19l4.5-4.5',
  area: 'M12 4a8 8 0 100 16 8 8 0 000-16zM6.5 6.5l11 11M17.5 6.5l-11 11',
  line: 'M3 17h18M12 13V4M12 4L8.5 7.5M12 4l3.5 3.5M7 20.5h.1M17 20.5h.1',
  regions: 'M12 4l9 5-9 5-9-5zM3 14l9 5 9-5',
  hand: 'M12 3v18M3 12h18M12 3l-3 3M12 3l3 3M12 21l-3-3M12 21l3-3M3 12l3-3M3 12l3 3M21 12l-3-3M21 12l-3 3',
  find: 'M11 4l1.6 4.4L17 10l-4.4 1.6L11 16l-1.6-4.4L5 10l4.4-1.6zM18 15l.8 2.2L21 18l-2.2.8L18 21l-.8-2.2L15 18l2.2-.8z',
  align: 'M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M9 9l6 6M15 9l-6 6',
  undo: 'M9 7L4 12l5 5M4 12h10a6 6 0 010 8h-2',
  redo: 'M15 7l5 5-5 5M20 12H10a6 6 0 000 8h2',
  live: 'M2.5 12s3.5-6.5 9.5-6.5S21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9a3 3 0 100 6 3 3 0 000-6z',
  theme: 'M12 3a9 9 0 100 18 9 9 0 000-18zM12 3v18M12 8h6.5M12 12h9M12 16h6.5',
  help: 'M12 3a9 9 0 100 18 9 9 0 000-18zM9.5 9.5a2.5 2.5 0 114 2c-.9.6-1.5 1.1-1.5 2.2M12 17v.2',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  fit: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
  multi: 'M4 4h10v10H4zM10 17v3h10V10h-3',
  label: 'M4 7h9l6 5-6 5H4zM8 12h.1',
  trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5',
  copy: 'M8 8h12v12H8zM16 8V4H4v12h4',
  check: 'M5 12.5l4.5 4.5L19 7',
  cross: 'M6 6l12 12M18 6L6 18',
  warn: 'M12 4l9 16H3zM12 10v5M12 17.5v.2',
  error: 'M8 3h8l5 5v8l-5 5H8l-5-5V8zM12 8v5M12 16v.2',
  info: 'M12 3a9 9 0 100 18 9 9 0 000-18zM12 11v6M12 7.5v.2',
  import: 'M12 4v11M8 11l4 4 4-4M4 19h16',
  export: 'M12 15V4M8 8l4-4 4 4M4 19h16',
  turn: 'M19 5v5h-5M5 19v-5h5M19 10a8 8 0 00-14-2M5 14a8 8 0 0014 2',
  back: 'M4 12a8 8 0 108-8 8 8 0 00-6 2.7L4 9M4 4v5h5M12 8v4l3 2',
  more: 'M5 12h.1M12 12h.1M19 12h.1',
  play: 'M7 5l11 7-11 7z',
};

/** @param {string} name */
export const icon = (name) =>
  s(
    'svg',
    { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false' },
    s('path', { d: PATHS[name] }),
  );
