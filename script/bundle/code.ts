import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { BuildOptions, Plugin } from 'esbuild';

export const PRODUCT_DIR = join(import.meta.dirname, '../..');

/** What every bundle of ours is: modules for Node, in as few files as it loads at once. */
export const BUNDLE_OPTIONS = {
  absWorkingDir: PRODUCT_DIR,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  // What is imported late is a file of its own: the whole text of a loaded one stays in memory.
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

/** Replaces what each of our files asks of its own place, which is a path from the root of the repository. */
export function placing(of: (place: string) => { readonly dirname: string; readonly url: string }): Plugin {
  return {
    name: 'placing',
    setup: (builder) => {
      builder.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (path.includes('/node_modules/')) return undefined;
        const { dirname, url } = of(relative(PRODUCT_DIR, path));
        const text = await readFile(path, 'utf8');
        return {
          contents: text.replaceAll('import.meta.dirname', dirname).replaceAll('import.meta.url', url),
          loader: 'ts',
        };
      });
    },
  };
}

/** zod brings its messages in fifty languages; ours are English. */
export const oneLanguage: Plugin = {
  name: 'one-language',
  setup: (builder) => {
    builder.onLoad({ filter: /\/zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};
