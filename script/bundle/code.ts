import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { BuildOptions, Plugin } from 'esbuild';

export const PRODUCT_DIR = join(import.meta.dirname, '../..');

/** The esbuild options of every bundle: ES modules for Node. */
export const BUNDLE_OPTIONS = {
  absWorkingDir: PRODUCT_DIR,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  // Late imports become separate files, because the text of a loaded file stays in memory.
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  conditions: ['node'],
  banner: {
    js: "import { createRequire as slipwayRequire } from 'node:module'; const require = slipwayRequire(import.meta.url);",
  },
  logLevel: 'warning',
} satisfies BuildOptions;

/** Replaces `import.meta.dirname` and `import.meta.url` of each file. The place is its path from the root of the repository. */
export function placing(locate: (place: string) => { readonly dirname: string; readonly url: string }): Plugin {
  return {
    name: 'placing',
    setup: (builder) => {
      builder.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (path.includes('/node_modules/')) return undefined;
        const { dirname, url } = locate(relative(PRODUCT_DIR, path));
        const text = await readFile(path, 'utf8');
        return {
          contents: text.replaceAll('import.meta.dirname', dirname).replaceAll('import.meta.url', url),
          loader: 'ts',
        };
      });
    },
  };
}

/** zod has messages in fifty languages. Slipway uses only English. */
export const oneLanguage: Plugin = {
  name: 'one-language',
  setup: (builder) => {
    builder.onLoad({ filter: /\/zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};
