import { chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSandbox, type RemovableSandbox } from '../../agent/sandbox/create.ts';
import { DEFAULT_SANDBOX_CONFIG, type SandboxConfig } from '../../agent/sandbox/config.ts';
import type { Sandbox, SandboxSpec, SandboxStatus } from '../../agent/sandbox/port.ts';
import type { AppName } from '../../shared/domain/names.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { run, type Run } from '../../shared/kit/exec.ts';
import { silentLogger } from '../../shared/kit/log.ts';
import { randomId } from '../../shared/kit/random-id.ts';
import { eventually } from './eventually.ts';
import { freeSubnet } from './free-subnet.ts';

export const MB = 1024 * 1024;

/** One driver with its own names, addresses and folders. `close` removes it from the machine. */
export interface SandboxLab {
  readonly sandbox: RemovableSandbox;
  readonly config: SandboxConfig;
  readonly dir: string;
  /** The driver as the next agent on this machine makes it. @param first runs before that agent checks the machine */
  reopen(first?: (next: Sandbox) => Promise<void> | undefined): Promise<Sandbox>;
  /** A folder with these files, with the owner of the layers of the app. */
  layer(files: Readonly<Record<string, string>>): string;
  spec(overrides?: Partial<SandboxSpec>): SandboxSpec;
  /** prepare and start. */
  run(overrides: Partial<SandboxSpec>): Promise<SandboxStatus>;
  /** Prepares, starts and waits for the end. Returns the status and the output. */
  finish(overrides: Partial<SandboxSpec>): Promise<{ status: SandboxStatus; output: string }>;
  /** The packet filter of this lab, as the kernel has it. */
  rules(): Promise<string>;
  close(): Promise<void>;
}

export async function openSandboxLab(
  kind: Sandbox['kind'],
  overrides: Partial<SandboxConfig> = {},
): Promise<SandboxLab> {
  const tag = randomId().slice(0, 5);
  const dir = mkdtempSync(join(tmpdir(), `slipway-sandbox-${tag}-`));
  const third = randomInt(0, 256);
  const config: SandboxConfig = {
    ...DEFAULT_SANDBOX_CONFIG,
    stateDir: join(dir, 'state'),
    name: `slt${tag}`,
    bridge: `sb${tag}`,
    subnet: freeSubnet(),
    processPorts: { first: 20_000 + third * 30, last: 20_029 + third * 30 },
    poolSize: 1,
    ...overrides,
  };
  const disks = new DiskPrograms();
  const deps = { run: disks.run, clock: systemClock, log: silentLogger, randomId };
  const sandbox = await createSandbox(kind, config, deps);
  const drivers = [sandbox];
  await sandbox.ensureHost();
  const uidBase = 0x3000_0000 + randomInt(0, 2000) * 65_536;
  const lab: SandboxLab = {
    sandbox,
    config,
    dir,
    async reopen(first) {
      // The next agent removes incomplete disks. A former agent has always ended by then, but here two drivers run at the same time.
      return await disks.holding(async () => {
        const next = await createSandbox(kind, config, { ...deps, run });
        drivers.unshift(next);
        await first?.(next);
        await next.ensureHost();
        return next;
      });
    },
    layer: (files) => makeLayer(dir, files, process.getuid?.() === 0 ? uidBase + 1000 : undefined),
    spec: (changes = {}) => ({ ...baseSpec(uidBase), ...changes }),
    async run(changes) {
      const spec = lab.spec(changes);
      await sandbox.prepare(spec);
      return sandbox.start(spec.id);
    },
    async finish(changes) {
      const { id } = await lab.run(changes);
      return { status: await ended(sandbox, id), output: readLog(sandbox.logDir(id)) };
    },
    rules: async () => (await run({ file: 'nft', args: ['list', 'table', 'inet', config.name] })).stdout,
    async close() {
      for (const driver of drivers) await driver.removeHost();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return lab;
}

/** Starts programs. It can delay programs that make a disk. */
class DiskPrograms {
  #mayStart: Promise<unknown> = Promise.resolve();
  readonly #running = new Set<Promise<unknown>>();

  readonly run: Run = async (command) => {
    if (command.args[0]?.endsWith('/disk.sh') !== true) return await run(command);
    await this.#mayStart;
    const running = run(command);
    this.#running.add(running);
    return await running.finally(() => this.#running.delete(running));
  };

  /** No disk is being made while `work` runs. */
  async holding<T>(work: () => Promise<T>): Promise<T> {
    const held = Promise.withResolvers<undefined>();
    this.#mayStart = held.promise;
    try {
      await Promise.allSettled(this.#running);
      return await work();
    } finally {
      held.resolve(undefined);
    }
  }
}

function baseSpec(uidBase: number): SandboxSpec {
  return {
    id: randomId(),
    purpose: 'app',
    app: 'lab-app' as AppName,
    uidBase,
    hostname: 'lab-app-web-1',
    stack: 'host',
    lowerDirs: [],
    readOnlyBinds: {},
    writableBinds: {},
    argv: ['/bin/sh', '-c', 'exec sleep 3600'],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/app' },
    limits: { memoryBytes: 128 * MB, pidsMax: 64, cpuMillis: 0, diskBytes: 32 * MB, diskInodes: 2000 },
    egress: true,
    logBytesMax: MB,
  };
}

function makeLayer(dir: string, files: Readonly<Record<string, string>>, owner: number | undefined): string {
  const layer = mkdtempSync(join(dir, 'layer-'));
  const made = [layer];
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(layer, name, '..'), { recursive: true });
    writeFileSync(join(layer, name), text);
    made.push(join(layer, name));
  }
  if (owner !== undefined)
    for (const path of [...made, ...readdirSync(layer).map((name) => join(layer, name))]) chownSync(path, owner, owner);
  return layer;
}

export async function ended(sandbox: Sandbox, id: string, limitMs = 240_000): Promise<SandboxStatus> {
  return eventually(
    `sandbox ${id} ended`,
    async () => {
      const status = await sandbox.inspect(id);
      return status?.phase === 'exited' ? status : undefined;
    },
    limitMs,
  );
}

/** Every line the logger has, oldest first, without the time labels. */
export function readLog(logDir: string): string {
  const names = readdirSync(logDir)
    .filter((name) => name.startsWith('@') || name === 'current')
    .sort((a, b) => Number(a === 'current') - Number(b === 'current') || a.localeCompare(b));
  return names.map((name) => readFileSync(join(logDir, name), 'utf8').replace(/^@[0-9a-f]{24} /gm, '')).join('');
}
