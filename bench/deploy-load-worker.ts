import { parentPort, workerData } from 'node:worker_threads';
import { Connection, type Answer, type Target } from './deploy-load-connection.ts';
import { median } from './figures.ts';

// Cheap requests at a constant rate, in a thread of their own. Some use a new connection each, the others connections that stay open.

const TICK_MS = 5;
/** When so many are open, the next ones are sent later, and the rate falls. More would be a flood of TLS handshakes at the start. */
const OPEN_MAX = 128;
/** Requests. */
const SAID_EVERY = 500;
const BODY = /^release=v(\d+) code=\d+ step=\d+\n$/;

export interface LoadData extends Target {
  readonly ratePerS: number;
  /** Share of the requests that use a new connection each, 0 to 1. */
  readonly newShare: number;
}

export type LoadCommand =
  | { readonly kind: 'phase'; readonly name: string }
  /** A request that begins from now on must not be answered by an older release. */
  | { readonly kind: 'released'; readonly release: number }
  | { readonly kind: 'stop' };

export interface RequestFigures {
  readonly name: string;
  readonly requests: number;
  readonly onOpenConnections: number;
  readonly seconds: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Number of failed requests for each reason. */
  readonly failures: Readonly<Record<string, number>>;
}

export type LoadEvent =
  /** The first answer of a release. */
  | { readonly kind: 'seen'; readonly release: number; readonly body: string; readonly atMs: number }
  /** Of all phases. */
  | { readonly kind: 'sent'; readonly count: number }
  | { readonly kind: 'failed'; readonly what: string; readonly atMs: number }
  /** Sent when the last request of a phase has ended. */
  | { readonly kind: 'figures'; readonly figures: RequestFigures };

interface Phase {
  readonly name: string;
  readonly startedAtMs: number;
  endedAtMs: number | undefined;
  requests: number;
  onOpenConnections: number;
  open: number;
  readonly timesMs: number[];
  readonly failures: Map<string, number>;
}

/** Comparable between threads. */
function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

function newPhase(name: string): Phase {
  const counts = { requests: 0, onOpenConnections: 0, open: 0 };
  return { name, startedAtMs: nowMs(), endedAtMs: undefined, ...counts, timesMs: [], failures: new Map() };
}

class Requests {
  readonly #data: LoadData;
  readonly #say: (event: LoadEvent) => void;
  readonly #idle: Connection[] = [];
  readonly #bodies = new Map<number, string>();
  readonly #timer: NodeJS.Timeout;
  readonly #startedAtMs = performance.now();
  #phase = newPhase('before');
  #sent = 0;
  #open = 0;
  #oldestAllowed = 0;

  constructor(data: LoadData, say: (event: LoadEvent) => void) {
    this.#data = data;
    this.#say = say;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  obey(command: LoadCommand): void {
    if (command.kind === 'released') {
      this.#oldestAllowed = command.release;
      return;
    }
    const ended = this.#phase;
    ended.endedAtMs = nowMs();
    if (command.kind === 'stop') clearInterval(this.#timer);
    else this.#phase = newPhase(command.name);
    this.#report(ended);
  }

  #tick(): void {
    const due = Math.floor(((performance.now() - this.#startedAtMs) * this.#data.ratePerS) / 1000);
    while (this.#sent < due && this.#open < OPEN_MAX) this.#send();
  }

  #send(): void {
    const phase = this.#phase;
    const newOnes = (count: number): number => Math.floor(count * this.#data.newShare);
    const keepAlive = newOnes(this.#sent + 1) === newOnes(this.#sent);
    this.#sent += 1;
    if (this.#sent % SAID_EVERY === 0) this.#say({ kind: 'sent', count: this.#sent });
    this.#open += 1;
    phase.requests += 1;
    phase.open += 1;
    if (keepAlive) phase.onOpenConnections += 1;
    const connection = keepAlive ? this.#idleConnection() : new Connection(this.#data, false);
    const [sentAtMs, oldestAllowed] = [performance.now(), this.#oldestAllowed];
    connection.ask((answer) => {
      this.#open -= 1;
      phase.open -= 1;
      phase.timesMs.push(performance.now() - sentAtMs);
      const failure = this.#check(answer, oldestAllowed);
      if (failure !== undefined) this.#fail(phase, `${failure}, ${keepAlive ? 'keep-alive' : 'new connection'}`);
      if (keepAlive && connection.isUsable) this.#idle.push(connection);
      this.#report(phase);
    });
  }

  /** The one that was idle for the longest time, so that none stays idle until the proxy closes it. */
  #idleConnection(): Connection {
    for (;;) {
      const next = this.#idle.shift();
      if (next === undefined) return new Connection(this.#data, true);
      if (next.isUsable) return next;
    }
  }

  /** Why the answer is wrong. */
  #check(answer: Answer, oldestAllowed: number): string | undefined {
    if ('failure' in answer) return answer.failure;
    const { body } = answer;
    const release = Number(BODY.exec(body)?.[1] ?? Number.NaN);
    if (Number.isNaN(release)) return `wrong body: ${JSON.stringify(body.slice(0, 40))}`;
    const known = this.#bodies.get(release);
    if (known === undefined) {
      this.#bodies.set(release, body);
      this.#say({ kind: 'seen', release, body, atMs: nowMs() });
    } else if (known !== body) return `wrong body: v${String(release)} has two`;
    if (release < oldestAllowed) return `v${String(release)} answered after v${String(oldestAllowed)} was released`;
    return undefined;
  }

  #fail(phase: Phase, what: string): void {
    phase.failures.set(what, (phase.failures.get(what) ?? 0) + 1);
    this.#say({ kind: 'failed', what, atMs: nowMs() });
  }

  #report(phase: Phase): void {
    if (phase.endedAtMs === undefined || phase.open > 0) return;
    const { name, requests, onOpenConnections, startedAtMs, endedAtMs, failures } = phase;
    const times = phase.timesMs.toSorted((a, b) => a - b);
    const figures = {
      ...{ name, requests, onOpenConnections, seconds: (endedAtMs - startedAtMs) / 1000 },
      medianMs: median(times),
      p99Ms: times[Math.floor(times.length * 0.99)] ?? Number.NaN,
      maxMs: times.at(-1) ?? Number.NaN,
      failures: Object.fromEntries(failures),
    };
    this.#say({ kind: 'figures', figures });
  }
}

const requests = new Requests(workerData as LoadData, (event) => parentPort?.postMessage(event));
parentPort?.on('message', (command: LoadCommand) => requests.obey(command));
