/**
 * A browser without a graphics card pays for each pixel of a map. There it is drawn at half its
 * resolution while somebody moves it, and sharp once it rests.
 */

import type { MapLibreMap } from './maplibre';

const SHARP_AFTER_MS = 200;

// Those of Chromium, of Mesa and of Windows. `failIfMajorPerformanceCaveat` would be the proper question,
// but Chromium gives a context of SwiftShader all the same.
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

/** Whether WebGL is drawn by the processor, by the name of what draws. */
export function drawsInSoftware(canvas: HTMLCanvasElement): boolean {
  const context = canvas.getContext('webgl2');
  const names = context?.getExtension('WEBGL_debug_renderer_info');
  return SOFTWARE.test(String(names && context?.getParameter(names.UNMASKED_RENDERER_WEBGL)));
}

/** Draw a map coarsely while it is moved by hand, for as long as it is there. */
export function coarseWhileMoved(map: MapLibreMap): void {
  let isCoarse = false;
  let held = 0;
  let rest: ReturnType<typeof setTimeout> | undefined;

  const draw = (coarse: boolean) => {
    if (coarse === isCoarse) return;
    isCoarse = coarse;
    // Without a ratio of ours MapLibre follows the screen's; its types do not say so.
    map.setPixelRatio(coarse ? devicePixelRatio / 2 : (null as unknown as number));
  };
  // A change of the ratio ends a drag: it comes before one begins, and after the last finger is up.
  const begin = () => {
    clearTimeout(rest);
    draw(true);
  };
  const end = () => {
    clearTimeout(rest);
    rest = setTimeout(() => held || map.isMoving() || draw(false), SHARP_AFTER_MS);
  };
  const press = () => {
    held += 1;
    begin();
  };
  const release = () => {
    if (held) held -= 1;
    end();
  };
  const area = map.getCanvasContainer();
  area.addEventListener('pointerdown', press, true);
  area.addEventListener('wheel', begin, { capture: true, passive: true });
  for (const name of ['pointerup', 'pointercancel']) window.addEventListener(name, release);
  map.on('moveend', end);
  map.on('remove', () => {
    clearTimeout(rest);
    for (const name of ['pointerup', 'pointercancel']) window.removeEventListener(name, release);
  });
}
