import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { eventually } from '../test/support/eventually.ts';
import type { LoadCommand, LoadData, LoadEvent, RequestFigures } from './deploy-load-worker.ts';

/** Failures that are printed at once, with their time. */
const PRINTED_MAX = 30;

export interface SeenRelease {
  readonly atMs: number;
  readonly body: string;
}

/** Comparable between threads. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** The requests of the worker thread. */
export class RequestLoad {
  readonly #worker: Worker;
  readonly #seen = new Map<number, SeenRelease>();
  readonly #figures = new Map<string, RequestFigures>();
  readonly #onFirstFailure: () => void;
  #sent = 0;
  #failed = 0;

  private constructor(data: LoadData, onFirstFailure: () => void) {
    this.#onFirstFailure = onFirstFailure;
    this.#worker = new Worker(join(import.meta.dirname, 'deploy-load-worker.ts'), { workerData: data });
    this.#worker.on('message', (event: LoadEvent) => this.#hear(event));
  }

  /** Resolves after the first good answer. */
  static async start(data: LoadData, onFirstFailure: () => void): Promise<RequestLoad> {
    const load = new RequestLoad(data, onFirstFailure);
    await once(load.#worker, 'online');
    await eventually('the first answer', () => load.#seen.size > 0);
    return load;
  }

  #hear(event: LoadEvent): void {
    if (event.kind === 'seen') this.#seen.set(event.release, { atMs: event.atMs, body: event.body });
    else if (event.kind === 'sent') this.#sent = event.count;
    else if (event.kind === 'figures') this.#figures.set(event.figures.name, event.figures);
    else {
      this.#failed += 1;
      if (this.#failed === 1) this.#onFirstFailure();
      if (this.#failed <= PRINTED_MAX) console.log(`  ${new Date(event.atMs).toISOString()} failed: ${event.what}`);
    }
  }

  #say(command: LoadCommand): void {
    this.#worker.postMessage(command);
  }

  /** Number of requests, up to the last 500. */
  get sent(): number {
    return this.#sent;
  }

  startPhase(name: string): void {
    this.#say({ kind: 'phase', name });
  }

  /** From now on, the answer of an older release is a failure. */
  released(release: number): void {
    this.#say({ kind: 'released', release });
  }

  /** The first answer of a release. */
  firstAnswer(release: number): Promise<SeenRelease> {
    return eventually(`an answer of v${String(release)}`, () => this.#seen.get(release));
  }

  /** When the first answer of any newer release came. */
  replacedAtMs(release: number): number | undefined {
    const newer = [...this.#seen].filter(([version]) => version > release).map(([, { atMs }]) => atMs);
    return newer.length === 0 ? undefined : Math.min(...newer);
  }

  /** Ends the requests. */
  stop(): void {
    this.#say({ kind: 'stop' });
  }

  /** Of a phase, after its last request has ended. */
  figures(phase: string): Promise<RequestFigures> {
    return eventually(`the end of all requests of ${phase}`, () => this.#figures.get(phase));
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}
