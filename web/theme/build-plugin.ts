import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'vite';

/** Imported as a file that is there; what it has is made here. */
const name = 'theme/made.css';

/**
 * The style sheet of our theme, made at build time: at run time Cloudscape would add it as a style element, which the
 * Content-Security-Policy of the console refuses.
 */
export function themeStylesheet(): Plugin {
  return {
    name: 'holdfast-theme',
    load: async (id) => (id.endsWith(`/${name}`) ? made() : undefined),
  };
}

/** Cloudscape's modules are for bundlers: Node cannot load them as they are. */
async function made(): Promise<string> {
  const directory = await mkdtemp(path.join(import.meta.dirname, '../../build/theme-'));
  try {
    await build({
      configFile: false,
      logLevel: 'silent',
      publicDir: false,
      build: {
        ssr: path.join(import.meta.dirname, 'stylesheet.ts'),
        outDir: directory,
        rolldownOptions: { output: { entryFileNames: 'stylesheet.mjs' } },
      },
      ssr: { noExternal: true },
    });
    // oxlint-disable-next-line walls/room -- made by the line above
    const { stylesheet } = (await import(pathToFileURL(path.join(directory, 'stylesheet.mjs')).href)) as {
      stylesheet: () => string;
    };
    return stylesheet();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
