import { mkdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../../shared/kit/clock.ts';
import { runOk, start, type Run } from '../../../shared/kit/exec.ts';
import { removeTree } from '../../../shared/kit/remove-tree.ts';
import { instanceLayout, sandboxesDir, type InstanceLayout, type SandboxConfig } from '../config.ts';
import type { RemoveSandbox, SandboxDriver } from '../driver.ts';
import { exportsFile } from '../environment.ts';
import { KeyedQueue } from '../../../shared/kit/keyed-queue.ts';
import { endSandbox, markStopping } from '../launch.ts';
import { INSIDE_DIR } from '../policy.ts';
import type { Listener, SandboxSpec } from '../port.ts';
import { loadRecord, loadRecords, loadWholeRecords, sandboxIds, saveRecord, type SandboxRecord } from '../record.ts';
import { killMarked, listenersOfPids, mark, markedPids, signalPid } from './marked-processes.ts';
import { freePort } from './ports.ts';
import { translateAll, translatePath, type PathTable } from './translate.ts';

export interface ProcessParts {
  readonly config: SandboxConfig;
  readonly base: string;
  readonly scriptsDir: string;
  readonly bootId: string;
  readonly run: Run;
  readonly clock: Clock;
}

const ADDRESS = '127.0.0.1';

/** Plain processes for development without root. Nothing is isolated or limited; the rest is the same as with other drivers. */
export class ProcessDriver implements SandboxDriver {
  readonly kind = 'process';
  readonly #parts: ProcessParts;
  readonly #portLock = new KeyedQueue();

  constructor(parts: ProcessParts) {
    this.#parts = parts;
  }

  async ensureHost(): Promise<void> {
    await mkdir(sandboxesDir(this.#parts.base), { recursive: true, mode: 0o700 });
  }

  /** A tree that cannot be removed uses disk space, but must not stop the start of the agent. */
  async sweep(remove: RemoveSandbox): Promise<readonly string[]> {
    const { base, bootId } = this.#parts;
    const keep = new Set((await loadWholeRecords(base, bootId)).map((record) => record.id));
    for (const id of await sandboxIds(base)) if (!keep.has(id)) await remove(id).catch(() => undefined);
    return [];
  }

  async repairHost(): Promise<void> {}

  async prepare(spec: SandboxSpec): Promise<{ address: string; port: number | undefined }> {
    const { bootId, clock } = this.#parts;
    const layout = this.#layout(spec.id);
    await this.#makeFolders(spec, layout);
    const table = this.#paths(spec, layout);
    // One port at a time, because the record marks a port as taken.
    const port = await this.#portLock.enqueue('port', async () => {
      const given = spec.port === undefined ? undefined : await this.#port();
      const exports = join(layout.secrets, 'env');
      const start = ['/bin/sh', join(this.#parts.scriptsDir, 'start.sh'), exports, layout.app];
      const argv = [
        '/usr/bin/env',
        mark(spec.id),
        ...start,
        ...spec.argv.map((argument) => translatePath(argument, table)),
      ];
      const env = { ...translateAll(spec.env, table), ...(given === undefined ? {} : { PORT: String(given) }) };
      await writeFile(exports, exportsFile(env), { mode: 0o600 });
      const { id, purpose, app, uidBase, logBytesMax } = spec;
      const fixed = {
        version: 1 as const,
        bootId,
        address: ADDRESS,
        preparedAtMs: clock.nowMs(),
        joinCgroup: false,
      };
      await saveRecord(layout.record, { ...fixed, id, purpose, app, uidBase, logBytesMax, port: given, argv });
      return given;
    });
    return { address: ADDRESS, port };
  }

  supervision({ id }: SandboxRecord): ReturnType<SandboxDriver['supervision']> {
    return { processes: `env:${mark(id)}`, oomFile: '', joinDirs: [], oomScoreAdjust: 0 };
  }

  pids(id: string): Promise<readonly number[]> {
    return markedPids(id);
  }

  /** Nothing is isolated here, so the program starts beside the app. */
  async callAttach(id: string): Promise<boolean> {
    const { secrets, app, attach } = this.#layout(id);
    const script = (name: string): string => join(this.#parts.scriptsDir, name);
    const own = ['/usr/bin/perl', script('attach.pl'), attach];
    const args = [mark(id), ...own, script('start.sh'), join(secrets, 'env'), app, script('dyno.sh')];
    const child = start({ file: '/usr/bin/env', args, cwd: app }, 'ignore', true);
    child.on('error', () => undefined); // nobody connects, and the caller says so
    child.unref();
    return true;
  }

  attachOwner(): undefined {
    return undefined;
  }

  async terminate(id: string): Promise<boolean> {
    await markStopping(this.#layout(id));
    const pids = await markedPids(id);
    for (const pid of pids) signalPid(pid, 'SIGTERM');
    return pids.length > 0;
  }

  kill(id: string): Promise<void> {
    return killMarked(id, this.#parts.clock);
  }

  async remove(id: string): Promise<void> {
    const layout = this.#layout(id);
    const { bootId, clock } = this.#parts;
    const record = await loadRecord(layout.record);
    if (record !== undefined && record.bootId !== bootId) await rm(layout.pidFile, { force: true }); // another process may have this number now
    await endSandbox(layout, { clock, killProcesses: () => killMarked(id, clock), killTool: () => Promise.resolve() });
    await rm(layout.exitFile, { force: true });
    await removeTree(layout.dir, this.#parts.run); // the app wrote to /app, which is in this folder
  }

  /** There is no overlay, so all of /app may have been written by the processes. */
  upperDir(id: string): string {
    return this.#layout(id).app;
  }

  async limitedCommand(_id: string, argv: readonly string[]): Promise<readonly string[]> {
    return argv;
  }

  async listeners(id: string): Promise<readonly Listener[]> {
    return listenersOfPids(await markedPids(id));
  }

  async otherTraces(): Promise<readonly string[]> {
    return [];
  }

  stop(): void {}

  async removeHost(): Promise<void> {}

  #layout(id: string): InstanceLayout {
    return instanceLayout(this.#parts.base, id);
  }

  async #makeFolders(spec: SandboxSpec, layout: InstanceLayout): Promise<void> {
    const { run } = this.#parts;
    for (const dir of [layout.app, layout.run, layout.secrets]) await mkdir(dir, { recursive: true, mode: 0o700 });
    await mkdir(layout.log, { recursive: true, mode: 0o700 });
    await runOk(run, { file: 'mkfifo', args: ['-m', '0600', '--', layout.output] });
    for (const lower of spec.lowerDirs) {
      const how = (await this.#mayLink(spec, lower)) ? '--link' : '--reflink=auto';
      await runOk(run, { file: 'cp', args: ['-a', how, '--no-preserve=ownership', '--', `${lower}/.`, layout.app] });
    }
    for (const [source, target] of Object.entries({ ...spec.readOnlyBinds, ...spec.writableBinds })) {
      if (!target.startsWith('/app/')) continue;
      const place = join(layout.app, target.slice('/app/'.length));
      await mkdir(dirname(place), { recursive: true });
      await symlink(source, place);
    }
  }

  /** Hard links are safe for shared layers: their files are read-only, and a replaced file in /app does not change the layer. */
  async #mayLink(spec: SandboxSpec, lower: string): Promise<boolean> {
    if (spec.sharedLowerDirs?.has(lower) !== true) return false;
    const [there, here] = await Promise.all([stat(lower), stat(this.#parts.base)]);
    return there.dev === here.dev;
  }

  #paths(spec: SandboxSpec, layout: InstanceLayout): PathTable {
    const binds = Object.entries({ ...spec.readOnlyBinds, ...spec.writableBinds }).map(([source, target]) => [
      target,
      source,
    ]);
    return {
      '/app': layout.app,
      [`${INSIDE_DIR}/bin`]: this.#parts.scriptsDir,
      [`${INSIDE_DIR}/env`]: layout.secrets,
      ...Object.fromEntries(binds),
    } as PathTable;
  }

  async #port(): Promise<number> {
    const taken = (await loadRecords(this.#parts.base))
      .map((record) => record.port)
      .filter((port) => port !== undefined);
    return freePort(this.#parts.config.processPorts, new Set(taken));
  }
}
