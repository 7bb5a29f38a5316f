import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const shared = fileURLToPath(new URL('pages/shared/', import.meta.url));

export default defineConfig({
  resolve: {
    // As the servers do: `shared/` beside a page's own files.
    alias: [{ find: /^(?:\.\/|(?:\.\.\/)+)shared\//, replacement: shared }],
  },
  test: {
    environment: 'happy-dom',
    include: ['tests/pages/**/*.test.js', 'tests/cloud_app/web/**/*.test.ts'],
  },
});
