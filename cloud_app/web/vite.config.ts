import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

// `npm run dev` shows the pages of a service that runs on this machine.
const SERVICE = process.env.LOTSIGHT_CLOUD_URL ?? 'http://127.0.0.1:8090';

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // Inlined files would be data: addresses, which the pages' policy refuses for fonts and workers.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1300, // MapLibre
  },
  server: { proxy: { '/api': SERVICE, '/shared': SERVICE } },
});
