import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { licencesList } from './appliance/licences-plugin.ts';
import { themeStylesheet } from './theme/build-plugin.ts';

/*
 * The console as files, beneath /console on the management listener. Nothing is inlined into the page: its
 * Content-Security-Policy lets in scripts and styles of its own origin alone.
 */

const here = path.dirname(fileURLToPath(import.meta.url));

export default defineConfig({
  root: here,
  base: '/console/',
  publicDir: false,
  logLevel: 'warn',
  plugins: [themeStylesheet(), licencesList()],
  build: {
    outDir: path.join(here, '../build/web'),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    // Adds inline code to the page where a browser is too old for it; such browsers are not served.
    modulePreload: { polyfill: false },
    target: 'baseline-widely-available',
    chunkSizeWarningLimit: 2000,
    reportCompressedSize: false,
    // Cloudscape marks its modules for server components, of which there are none here.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
});
