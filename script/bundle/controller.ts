import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { run, runOk } from '../../shared/kit/exec.ts';
import { VERSION } from '../../shared/kit/version.ts';
import { bundleAgent, contentDigest } from './agent.ts';
import { fetchRuntime } from './runtime.ts';

const PRODUCT_DIR = join(import.meta.dirname, '../..');
const SOURCES = ['agent', 'bin', 'buildpacks', 'cli', 'controller', 'packaging', 'proto', 'script', 'shared'];
const FILES = ['install.sh', 'package.json', 'package-lock.json', 'tsconfig.json', 'LICENSE'];

/**
 * Builds the controller as a folder for the processor type of this machine: the source, the npm packages (copied unchanged,
 * because some are native), a runtime, and the agent for nodes. The bundler is not included.
 * @returns the folder, `OUT/VERSION+BUILD`; an existing one is not changed
 */
export async function bundleController(out: string): Promise<string> {
  const work = await mkdtemp(join(out, '.bundle-'));
  try {
    const root = join(work, 'root');
    await mkdir(root);
    for (const name of [...SOURCES, ...FILES]) await cp(join(PRODUCT_DIR, name), join(root, name), { recursive: true });
    const target = join(out, `${VERSION}+${await contentDigest(root)}`);
    if (existsSync(target)) return target;
    await copyPackages(root);
    await mkdir(join(root, 'programs'));
    await bundleAgent(join(root, 'programs'));
    await unpackRuntime(root);
    // With a strict umask of the person who cloned it, the user of the controller could not read the files.
    await runOk(run, { file: 'chmod', args: ['-R', 'u+rwX,go+rX,go-w', root] });
    await runOk(run, { file: 'sync', args: ['-f', root], timeoutMs: 60_000 });
    await rename(root, target);
    return target;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Copies the packages that npm has not recorded as development dependencies. */
async function copyPackages(root: string): Promise<void> {
  const recorded = await readFile(join(PRODUCT_DIR, 'node_modules', '.package-lock.json'), 'utf8');
  const { packages } = JSON.parse(recorded) as { packages: Record<string, { dev?: boolean }> };
  for (const [place, { dev = false }] of Object.entries(packages)) {
    const isNested = place.lastIndexOf('node_modules/') > 0;
    if (dev || isNested || !existsSync(join(PRODUCT_DIR, place))) continue;
    await cp(join(PRODUCT_DIR, place), join(root, place), { recursive: true, verbatimSymlinks: true });
  }
}

/** Uses the packages for nodes. A node with the same processor type then finds its runtime on the controller. */
async function unpackRuntime(root: string): Promise<void> {
  const kept = join(PRODUCT_DIR, '.tools', 'programs');
  const npmDir = join(root, 'node', 'lib', 'node_modules', 'npm');
  await mkdir(npmDir, { recursive: true });
  const node = await fetchRuntime(`node-linux-${process.arch}`, join(root, 'programs'), kept);
  await unpack(node, join(root, 'node'), ['package/bin', 'package/LICENSE', 'package/package.json']);
  await unpack(await fetchRuntime('npm', join(root, 'programs'), kept), npmDir, []);
  for (const name of ['npm', 'npx']) {
    await chmod(join(npmDir, 'bin', `${name}-cli.js`), 0o755);
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(root, 'node', 'bin', name));
  }
  await chmod(join(root, 'node', 'bin', 'node'), 0o755);
}

async function unpack(archive: string, dir: string, members: readonly string[]): Promise<void> {
  const args = ['-xzf', archive, '-C', dir, '--strip-components=1', '--no-same-owner', ...members];
  await runOk(run, { file: 'tar', args, timeoutMs: 120_000 });
}
