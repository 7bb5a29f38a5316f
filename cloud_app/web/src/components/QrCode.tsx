/** A QR code as one path, drawn here: what it says goes nowhere. */

import { encode } from 'uqr';

/** Quiet modules around it, as the standard wants them. */
const MARGIN = 4;

/** Draws `text`; `label` says what it is for. Dark on light in both themes, or cameras fail. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const { data, size } = encode(text, { border: 0 });
  const path = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ''))).join('');
  const side = size + 2 * MARGIN;
  return (
    <svg
      class="qr-code"
      role="img"
      aria-label={label}
      viewBox={`${-MARGIN} ${-MARGIN} ${side} ${side}`}
      shape-rendering="crispEdges"
    >
      <rect class="qr-light" x={-MARGIN} y={-MARGIN} width={side} height={side} />
      <path class="qr-dark" d={path} />
    </svg>
  );
}
