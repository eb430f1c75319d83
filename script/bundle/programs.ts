import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { BUNDLE_OPTIONS, oneLanguage, placing, PRODUCT_DIR } from './code.ts';

/**
 * Bundles the controller, the agent and the CLI of this checkout into a few files each. Tests start them hundreds of times, and a bundle
 * starts in half the time. Other files and native packages are not copied, so `out` must be in this checkout.
 */
export async function bundlePrograms(out: string): Promise<string> {
  await build({
    ...BUNDLE_OPTIONS,
    entryPoints: { 'controller/main': 'controller/main.ts', 'agent/main': 'agent/main.ts', 'cli/main': 'cli/main.ts' },
    outdir: out,
    external: ['better-sqlite3', 'ssh2'],
    plugins: [inThisCheckout, oneLanguage],
  });
  return out;
}

const inThisCheckout = placing((place) => ({
  dirname: JSON.stringify(join(PRODUCT_DIR, dirname(place))),
  url: JSON.stringify(pathToFileURL(join(PRODUCT_DIR, place)).href),
}));
