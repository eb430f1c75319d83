import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { build } from 'esbuild';
import { run, runOk } from '../../shared/kit/exec.ts';
import { VERSION } from '../../shared/kit/version.ts';
import { BUNDLE_OPTIONS, oneLanguage, placing, PRODUCT_DIR } from './code.ts';
import { readPins } from './runtime.ts';

/** Files that the agent reads at run time keep their place of the source. Only TypeScript is bundled. */
const ASSET_FOLDERS = ['agent', 'buildpacks', 'packaging', 'proto'];
/** Only a controller needs these. Without them, a change of one makes no new agent. */
const NOT_FOR_NODES = join(PRODUCT_DIR, 'packaging', 'controller');

/**
 * Builds the agent as one reproducible archive: the same source gives the same bytes. It runs on both processor types. The
 * runtime differs between them and is a separate download, so an upgrade of the agent moves one megabyte instead of fifty.
 * @returns the path of the archive; `agent.json` beside it describes the contents
 */
export async function bundleAgent(out: string): Promise<string> {
  const work = await mkdtemp(join(out, '.bundle-'));
  try {
    const root = join(work, 'root');
    await bundleCode(join(root, 'agent'));
    for (const folder of ASSET_FOLDERS) await copyAssets(join(PRODUCT_DIR, folder), join(root, folder));
    await copyFile(join(PRODUCT_DIR, 'install.sh'), join(root, 'install.sh'));
    const { nodeVersion, npmVersion } = await readPins();
    const build = await contentDigest(root);
    await writeFile(
      join(root, 'program.json'),
      `${JSON.stringify({ version: VERSION, build, nodeVersion, npmVersion })}\n`,
    );
    const name = `slipway-agent-${VERSION}-${build}.tar.gz`;
    await pack(root, join(work, name));
    const bytes = await readFile(join(work, name));
    const about = {
      version: VERSION,
      build,
      file: name,
      sizeBytes: bytes.length,
      sha512: createHash('sha512').update(bytes).digest('hex'),
    };
    await writeFile(join(work, 'agent.json'), `${JSON.stringify(about)}\n`);
    await rename(join(work, name), join(out, name));
    await rename(join(work, 'agent.json'), join(out, 'agent.json'));
    return join(out, name);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function bundleCode(outdir: string): Promise<void> {
  await build({
    ...BUNDLE_OPTIONS,
    // The second program runs as a separate process, because it parses untrusted text.
    entryPoints: { main: 'agent/main.ts', 'build/yaml-main': 'agent/build/yaml-main.ts' },
    outdir,
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'linked',
    plugins: [ownPlaces, oneLanguage],
  });
}

/** Files look for others beside themselves. The bundle puts all of them into agent/, so each keeps the path of its source. */
const ownPlaces = placing((place) => ({
  dirname: `(import.meta.dirname + ${JSON.stringify(`/../${dirname(place)}`)})`,
  url: `new URL(${JSON.stringify(`../${place}`)}, import.meta.url).href`,
}));

async function copyAssets(from: string, to: string): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || entry.name.endsWith('.ts') || entry.name.startsWith('.')) continue;
    if (entry.parentPath === NOT_FOR_NODES) continue;
    const source = join(entry.parentPath, entry.name);
    const target = join(to, relative(from, source));
    await mkdir(dirname(target), { recursive: true });
    await copyFile(source, target);
    await chmod(target, (await isExecutable(source)) ? 0o755 : 0o644);
  }
}

async function isExecutable(path: string): Promise<boolean> {
  return ((await stat(path)).mode & 0o100) !== 0;
}

/** Twelve hex digits of a hash over every file: its path, whether it is executable, and its bytes. */
export async function contentDigest(root: string): Promise<string> {
  const files = (await readdir(root, { withFileTypes: true, recursive: true })).filter((entry) => entry.isFile());
  const paths = files.map((entry) => relative(root, join(entry.parentPath, entry.name))).sort();
  const digest = createHash('sha256');
  for (const path of paths) {
    const bytes = await readFile(join(root, path));
    digest.update(`${path}\0${String(await isExecutable(join(root, path)))}\0${String(bytes.length)}\0`).update(bytes);
  }
  return digest.digest('hex').slice(0, 12);
}

async function pack(root: string, target: string): Promise<void> {
  const reproducible = [
    '--sort=name',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--mtime=@0',
    '--mode=a+rX,u+w,go-w',
    '--format=ustar',
  ];
  await runOk(run, {
    file: 'tar',
    args: [...reproducible, '-I', 'gzip -n', '-cf', target, '-C', root, '.'],
    timeoutMs: 120_000,
  });
}
