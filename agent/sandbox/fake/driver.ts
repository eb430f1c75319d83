import { mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { PassThrough, type Duplex } from 'node:stream';
import type { Exit } from '../../../shared/domain/instance.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { Listener, Sandbox, SandboxSpec, SandboxStatus } from '../port.ts';
import { sandboxEnded, sandboxNotFound } from '../sandbox-errors.ts';

/** What a fake process does. Without any option it runs until it gets a signal. */
export interface FakeBehaviour {
  readonly failAtPrepare?: boolean | undefined;
  readonly failAtStart?: boolean | undefined;
  /** Ends after this time; 0 is allowed. */
  readonly exitAfterMs?: number | undefined;
  readonly exitCode?: number | undefined;
  readonly oomKilled?: boolean | undefined;
  readonly ignoreTerm?: boolean | undefined;
  /** Opens a real TCP port on loopback and sends the id of the instance to each client. */
  readonly listen?: boolean | undefined;
  /** Reported listeners, if it does not really listen. */
  readonly listeners?: readonly Listener[] | undefined;
  /** Passed to `onOutput` at the start. */
  readonly output?: string | undefined;
}

interface FakeProcess {
  readonly spec: SandboxSpec;
  status: SandboxStatus;
  readonly abort: AbortController;
  server?: Server | undefined;
}

export interface FakeSandboxOptions {
  readonly clock: Clock;
  /** Folder for the log and app folders that callers read. */
  readonly dir: string;
  readonly behaviour?: ((spec: SandboxSpec) => FakeBehaviour) | undefined;
}

/** Sandboxes in memory, for tests. `calls` has the log of all operations. */
export class FakeSandbox implements Sandbox {
  readonly kind = 'fake';
  readonly calls: string[] = [];
  readonly specs = new Map<string, SandboxSpec>();
  behaviour: (spec: SandboxSpec) => FakeBehaviour;
  readonly #options: FakeSandboxOptions;
  readonly #processes = new Map<string, FakeProcess>();
  readonly #listeners = new Set<(id: string) => void>();

  constructor(options: FakeSandboxOptions) {
    this.#options = options;
    this.behaviour = options.behaviour ?? (() => ({}));
  }

  async ensureHost(): Promise<void> {}

  async prepare(spec: SandboxSpec): Promise<SandboxStatus> {
    this.calls.push(`prepare ${spec.id}`);
    const found = this.#processes.get(spec.id);
    if (found?.status.phase === 'running') return found.status;
    if (this.behaviour(spec).failAtPrepare === true) throw fakeFailure('prepare');
    for (const dir of [this.appDir(spec.id), this.upperDir(spec.id), this.logDir(spec.id)])
      mkdirSync(dir, { recursive: true });
    this.specs.set(spec.id, spec);
    const status: SandboxStatus = {
      id: spec.id,
      purpose: spec.purpose,
      app: spec.app,
      uidBase: spec.uidBase,
      phase: 'prepared',
      address: '127.0.0.1',
      port: spec.port,
    };
    this.#processes.set(spec.id, { spec, status, abort: new AbortController() });
    return status;
  }

  async start(id: string): Promise<SandboxStatus> {
    this.calls.push(`start ${id}`);
    const found = this.#processes.get(id);
    if (found === undefined) throw sandboxNotFound(id);
    if (found.status.phase === 'running') return found.status;
    if (found.status.phase === 'exited') throw sandboxEnded(id);
    const behaviour = this.behaviour(found.spec);
    if (behaviour.failAtStart === true) throw fakeFailure('start');
    if (behaviour.listen === true) await this.#listen(found);
    found.status = { ...found.status, phase: 'running', startedAtMs: this.#options.clock.nowMs() };
    if (behaviour.output !== undefined) found.spec.onOutput?.(Buffer.from(behaviour.output));
    if (behaviour.exitAfterMs !== undefined) void this.#exitAfter(found, behaviour.exitAfterMs);
    return found.status;
  }

  async inspect(id: string): Promise<SandboxStatus | undefined> {
    return this.#processes.get(id)?.status;
  }

  async signal(id: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.calls.push(`${signal} ${id}`);
    const found = this.#processes.get(id);
    if (found?.status.phase !== 'running') return;
    if (signal === 'SIGTERM' && this.behaviour(found.spec).ignoreTerm === true) return;
    this.#end(found, { signal, oomKilled: false, atMs: this.#options.clock.nowMs() });
  }

  async destroy(id: string): Promise<void> {
    this.calls.push(`destroy ${id}`);
    const found = this.#processes.get(id);
    if (found?.status.phase === 'running')
      this.#end(found, { signal: 'SIGKILL', oomKilled: false, atMs: this.#options.clock.nowMs() });
    this.#processes.delete(id);
  }

  async forget(id: string): Promise<void> {
    await this.destroy(id);
    this.specs.delete(id);
  }

  async list(): Promise<readonly SandboxStatus[]> {
    return [...this.#processes.values()].map((found) => found.status);
  }

  async traces(): Promise<readonly string[]> {
    return [...new Set([...this.#processes.keys(), ...this.specs.keys()])];
  }

  appDir(id: string): string {
    return join(this.#options.dir, id, 'app');
  }

  upperDir(id: string): string {
    return join(this.#options.dir, id, 'upper');
  }

  logDir(id: string): string {
    return join(this.#options.dir, id, 'log');
  }

  onExit(listener: (id: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Sends every byte back. */
  async attach(id: string): Promise<Duplex> {
    this.calls.push(`attach ${id}`);
    if (this.#processes.get(id)?.status.phase !== 'running') throw sandboxNotFound(id);
    return new PassThrough();
  }

  async limitedCommand(_id: string, argv: readonly string[]): Promise<readonly string[]> {
    return argv;
  }

  async listeners(id: string): Promise<readonly Listener[]> {
    const found = this.#processes.get(id);
    if (found?.status.phase !== 'running') return [];
    const { listeners } = this.behaviour(found.spec);
    if (listeners !== undefined) return listeners;
    return found.server === undefined || found.status.port === undefined
      ? []
      : [{ address: '127.0.0.1', port: found.status.port }];
  }

  async removeHost(): Promise<void> {
    for (const id of this.#processes.keys()) await this.destroy(id);
  }

  /** Ends a process, as after a crash. */
  crash(id: string, exit: Partial<Exit> = {}): void {
    const found = this.#processes.get(id);
    if (found?.status.phase === 'running')
      this.#end(found, { code: 1, oomKilled: false, atMs: this.#options.clock.nowMs(), ...exit });
  }

  async #listen(found: FakeProcess): Promise<void> {
    const server = createServer((socket) => socket.end(`${found.spec.id}\n`));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    found.server = server;
    found.status = { ...found.status, port: typeof address === 'object' ? address?.port : undefined };
  }

  async #exitAfter(found: FakeProcess, ms: number): Promise<void> {
    const { exitCode = 0, oomKilled = false } = this.behaviour(found.spec);
    try {
      await this.#options.clock.sleep(ms, found.abort.signal);
    } catch {
      return; // it ended before
    }
    this.#end(found, { code: exitCode, oomKilled, atMs: this.#options.clock.nowMs() });
  }

  #end(found: FakeProcess, exit: Exit): void {
    if (found.status.phase !== 'running') return;
    found.status = { ...found.status, phase: 'exited', exit };
    found.abort.abort();
    found.server?.close();
    queueMicrotask(() => {
      for (const listener of this.#listeners) listener(found.spec.id);
    });
  }
}

function fakeFailure(verb: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_SANDBOX_FAKE',
    kind: 'transient',
    message: `The fake sandbox was told to fail at ${verb}.`,
  });
}
