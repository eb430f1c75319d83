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
 * The controller as a folder that runs where it lies, on this machine's processor: the source, the packages it needs (some of them
 * native, so they are copied as they are), its runtime, and the agent that it gives to nodes: the bundler stays behind.
 * @returns the folder, `OUT/VERSION+BUILD`; one that is there already is left alone
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
    // a careful umask of whoever cloned it would hide it from the controller's user
    await runOk(run, { file: 'chmod', args: ['-R', 'u+rwX,go+rX,go-w', root] });
    await runOk(run, { file: 'sync', args: ['-f', root], timeoutMs: 60_000 });
    await rename(root, target);
    return target;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Those that npm has recorded as more than a developer's. */
async function copyPackages(root: string): Promise<void> {
  const recorded = await readFile(join(PRODUCT_DIR, 'node_modules', '.package-lock.json'), 'utf8');
  const { packages } = JSON.parse(recorded) as { packages: Record<string, { dev?: boolean }> };
  for (const [place, { dev = false }] of Object.entries(packages)) {
    const isNested = place.lastIndexOf('node_modules/') > 0;
    if (dev || isNested || !existsSync(join(PRODUCT_DIR, place))) continue;
    await cp(join(PRODUCT_DIR, place), join(root, place), { recursive: true, verbatimSymlinks: true });
  }
}

/** From the packages that nodes get too, so that one of this machine's kind finds its runtime here. */
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
