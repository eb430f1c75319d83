import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Exit } from '../../shared/domain/instance.ts';
import { run, runOk, start } from '../../shared/kit/exec.ts';
import { sandboxNotFound } from '../../agent/sandbox/sandbox-errors.ts';
import type { Sandbox, SandboxSpec, SandboxStatus } from '../../agent/sandbox/port.ts';

interface Box {
  readonly spec: SandboxSpec;
  readonly mounted: boolean;
  child?: ReturnType<typeof start>;
  exit?: Exit;
}

/**
 * A sandbox that isolates nothing: /app is an overlay (or a folder) on this machine and the paths of binds are translated
 * in argv and environment. Enough to run real builds without a driver.
 */
export class OverlaySandbox implements Sandbox {
  readonly kind = 'fake';
  readonly #root: string;
  readonly #boxes = new Map<string, Box>();
  readonly #listeners = new Set<(id: string) => void>();

  constructor(root: string) {
    this.#root = root;
  }

  async ensureHost(): Promise<void> {
    await mkdir(this.#root, { recursive: true });
  }

  async prepare(spec: SandboxSpec): Promise<SandboxStatus> {
    for (const part of ['app', 'upper', 'work', 'tmp'])
      await mkdir(join(this.#root, spec.id, part), { recursive: true });
    const mounted = spec.lowerDirs.length > 0;
    if (mounted) {
      const options = `lowerdir=${spec.lowerDirs.toReversed().join(':')},upperdir=${this.upperDir(spec.id)},workdir=${join(this.#root, spec.id, 'work')}`;
      await runOk(run, { file: 'mount', args: ['-t', 'overlay', 'overlay', '-o', options, this.appDir(spec.id)] });
    }
    this.#boxes.set(spec.id, { spec, mounted });
    return this.#status(spec.id);
  }

  async start(id: string): Promise<SandboxStatus> {
    const box = this.#boxes.get(id)!;
    const [file = '', ...args] = box.spec.argv.map((text) => this.#translate(box.spec, text));
    const env = Object.fromEntries(
      Object.entries(box.spec.env).map(([name, value]) => [name, this.#translate(box.spec, value)]),
    );
    const command = { file, args, cwd: this.appDir(id), env: { ...env, TMPDIR: join(this.#root, id, 'tmp') } };
    const child = start(command, ['ignore', 'pipe', 'pipe'], true);
    box.child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => box.spec.onOutput?.(chunk));
    child.on('close', (code, signal) => {
      box.exit = {
        ...(code === null ? {} : { code }),
        ...(signal === null ? {} : { signal }),
        oomKilled: false,
        atMs: Date.now(),
      };
      this.#listeners.forEach((listener) => listener(id));
    });
    return this.#status(id);
  }

  async inspect(id: string): Promise<SandboxStatus | undefined> {
    return this.#boxes.has(id) ? this.#status(id) : undefined;
  }

  async signal(id: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const pid = this.#boxes.get(id)?.child?.pid;
    if (pid !== undefined && this.#boxes.get(id)?.exit === undefined) process.kill(-pid, signal);
  }

  async destroy(id: string): Promise<void> {
    const box = this.#boxes.get(id);
    if (box === undefined) return;
    await this.signal(id, 'SIGKILL');
    if (box.mounted) await run({ file: 'umount', args: ['-l', this.appDir(id)] });
    await rm(join(this.#root, id), { recursive: true, force: true });
    this.#boxes.delete(id);
  }

  async forget(): Promise<void> {}

  async list(): Promise<readonly SandboxStatus[]> {
    return [...this.#boxes.keys()].map((id) => this.#status(id));
  }

  async traces(): Promise<readonly string[]> {
    return [...this.#boxes.keys()];
  }

  appDir(id: string): string {
    return join(this.#root, id, 'app');
  }

  upperDir(id: string): string {
    return this.#boxes.get(id)?.mounted === true ? join(this.#root, id, 'upper') : this.appDir(id);
  }

  logDir(id: string): string {
    return join(this.#root, id);
  }

  onExit(listener: (id: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async limitedCommand(_id: string, argv: readonly string[]): Promise<readonly string[]> {
    return argv;
  }

  attach(id: string): Promise<never> {
    return Promise.reject(sandboxNotFound(id));
  }

  async listeners(): Promise<readonly []> {
    return [];
  }

  #translate(spec: SandboxSpec, text: string): string {
    const places = { ...spec.readOnlyBinds, ...spec.writableBinds, [this.appDir(spec.id)]: '/app' };
    for (const [here, inside] of Object.entries(places)) {
      if (text === inside || text.startsWith(`${inside}/`)) return here + text.slice(inside.length);
    }
    return text;
  }

  #status(id: string): SandboxStatus {
    const box = this.#boxes.get(id)!;
    const phase = box.exit !== undefined ? 'exited' : box.child !== undefined ? 'running' : 'prepared';
    const { purpose, app, uidBase } = box.spec;
    return { id, purpose, app, uidBase, phase, address: '127.0.0.1', ...(box.exit && { exit: box.exit }) };
  }
}
