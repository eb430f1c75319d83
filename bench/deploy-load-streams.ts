import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { LookupFunction } from 'node:net';
import { Agent, WebSocket } from 'undici';
import { eventually } from '../test/support/eventually.ts';
import type { Target } from './deploy-load-connection.ts';
import { slowChunks } from './deploy-load-chunks.ts';
import { nowMs } from './deploy-load-requests.ts';

// Connections that are open during a switch. The product promises: when an instance has been replaced, its open requests and websockets
// go on. They end when the last one has finished, or when the drain time limit of the instance is over.

const ECHO_PAUSE_MS = 500;
/** An open websocket must answer within this time. */
const ECHO_LIMIT_MS = 10_000;
/** A new slow response begins at least this often. */
const SLOW_EVERY_MS = 5_000;

export interface StreamFigures {
  websockets: number;
  /** Messages that came back. */
  echoed: number;
  /** Websockets that the drain time limit has ended. */
  ended: number;
  /** Slow responses that came whole. */
  slow: number;
  readonly failures: string[];
}

/** When the instance of a websocket was replaced. Undefined: it was not. */
export type ReplacedAt = (instance: { readonly release: number; readonly dyno: string }) => number | undefined;

interface StreamsDeps {
  readonly target: Target;
  readonly drainTimeoutMs: number;
  readonly replacedAtMs: ReplacedAt;
}

/** A websocket that sends a message every half second, as long as it is open. */
export class EchoSocket {
  readonly #socket: WebSocket;
  readonly #deps: StreamsDeps;
  readonly #figures: StreamFigures;
  readonly #timer: NodeJS.Timeout;
  #instance: { readonly release: number; readonly dyno: string } | undefined;
  #sent = 0;
  #sentAtMs = 0;
  #echoed = 0;
  #isStopped = false;
  #isOver = false;

  constructor(deps: StreamsDeps, dispatcher: Agent, figures: StreamFigures) {
    this.#deps = deps;
    this.#figures = figures;
    this.#socket = new WebSocket(`ws://${deps.target.host}:${String(deps.target.port)}/echo`, { dispatcher });
    this.#socket.addEventListener('open', () => this.#send());
    this.#socket.addEventListener('message', ({ data }) => this.#hear(String(data)));
    this.#socket.addEventListener('close', () => this.#close());
    this.#timer = setInterval(() => this.#tick(), ECHO_PAUSE_MS).unref();
    figures.websockets += 1;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get isReplaced(): boolean {
    return this.#instance === undefined || this.#deps.replacedAtMs(this.#instance) !== undefined;
  }

  /** Resolves when a message that is sent from now on has come back, or when the websocket has ended. */
  async untilEchoed(): Promise<void> {
    const wanted = this.#sent + 1;
    await eventually('an echo', () => this.#isOver || this.#echoed >= wanted);
  }

  /** Ends it, whatever its instance does. */
  stop(): void {
    this.#isStopped = true;
    this.#socket.close();
  }

  #tick(): void {
    if (this.#echoed < this.#sent && nowMs() - this.#sentAtMs > ECHO_LIMIT_MS) {
      this.#over(`no echo for ${String(ECHO_LIMIT_MS / 1000)} s`);
      this.#socket.close();
    } else if (this.#echoed === this.#sent && this.#socket.readyState === WebSocket.OPEN) this.#send();
  }

  #send(): void {
    this.#sent += 1;
    this.#sentAtMs = nowMs();
    this.#socket.send(String(this.#sent));
  }

  #hear(text: string): void {
    const [, release, dyno, number] = /^v(\d+) (\S+) (\d+)$/.exec(text) ?? [];
    this.#instance ??= { release: Number(release), dyno: dyno ?? '' };
    const isSame = this.#instance.release === Number(release) && this.#instance.dyno === dyno;
    if (!isSame || Number(number) !== this.#sent) {
      this.#over(`a wrong message: ${text}`);
      return;
    }
    this.#echoed += 1;
    this.#figures.echoed += 1;
  }

  #close(): void {
    if (this.#isStopped || this.#isOver) this.#over();
    else this.#over(this.#whyTooEarly());
  }

  /** Undefined when it was open for the whole drain time limit. */
  #whyTooEarly(): string | undefined {
    if (this.#instance === undefined) return 'it was not opened';
    const name = `${this.#instance.dyno} of v${String(this.#instance.release)}`;
    const replacedAtMs = this.#deps.replacedAtMs(this.#instance);
    if (replacedAtMs === undefined) return `it was closed, and ${name} was not replaced`;
    const livedMs = nowMs() - replacedAtMs;
    if (livedMs >= this.#deps.drainTimeoutMs) this.#figures.ended += 1;
    else return `it was closed ${String(Math.round(livedMs))} ms after ${name} was replaced`;
    return undefined;
  }

  #over(failure?: string): void {
    clearInterval(this.#timer);
    if (this.#isOver) return;
    this.#isOver = true;
    if (failure === undefined) return;
    const text = `websocket, ${String(this.#echoed)} messages: ${failure}`;
    console.log(`  ${new Date().toISOString()} failed: ${text}`);
    this.#figures.failures.push(text);
  }
}

/** Websockets and slow responses of all phases. At least one of each is open the whole time. */
export class OpenStreams {
  readonly #deps: StreamsDeps;
  readonly #dispatcher: Agent;
  readonly #sockets = new Set<EchoSocket>();
  readonly #timer: NodeJS.Timeout;
  #figures: StreamFigures = newFigures();
  #slowOpen = 0;
  #seed = 0;

  constructor(deps: StreamsDeps) {
    this.#deps = deps;
    const { address } = deps.target;
    const lookup: LookupFunction = (_host, _options, found) => found(null, [{ address, family: 4 }]);
    this.#dispatcher = new Agent({ connect: { lookup } });
    this.#timer = setInterval(() => this.startSlow(), SLOW_EVERY_MS);
  }

  /** What begins from now on is counted here. */
  startPhase(): StreamFigures {
    this.#figures = newFigures();
    return this.#figures;
  }

  /** Resolves when all of them answer. */
  async openSockets(count: number): Promise<readonly EchoSocket[]> {
    const opened = Array.from({ length: count }, () => new EchoSocket(this.#deps, this.#dispatcher, this.#figures));
    for (const socket of opened) this.#sockets.add(socket);
    await Promise.all(opened.map((socket) => socket.untilEchoed()));
    return opened;
  }

  startSlow(): void {
    void this.#readSlow(this.#figures);
  }

  async #readSlow(figures: StreamFigures): Promise<void> {
    this.#slowOpen += 1;
    this.#seed += 1;
    const seed = String(this.#seed);
    const startedAtMs = nowMs();
    const { host, address, port } = this.#deps.target;
    const hash = createHash('sha256');
    try {
      const asked = get({ host: address, port, path: `/slow?${seed}`, headers: { host }, agent: false });
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      for await (const chunk of response) hash.update(chunk as Buffer);
      if (response.statusCode !== 200) throw new Error(`status ${String(response.statusCode)}`);
      if (hash.digest('hex') !== digestOf(seed)) throw new Error('wrong digest');
      figures.slow += 1;
    } catch (error) {
      const text = `slow response, after ${String(Math.round(nowMs() - startedAtMs))} ms: ${String(error)}`;
      console.log(`  ${new Date().toISOString()} failed: ${text}`);
      figures.failures.push(text);
    }
    this.#slowOpen -= 1;
  }

  /** Resolves when each websocket of a replaced instance has ended. Notes those that do not end. */
  async untilReplacedEnd(limitMs: number): Promise<void> {
    const open = (): readonly EchoSocket[] => [...this.#sockets].filter((each) => !each.isOver && each.isReplaced);
    await eventually('the end of old websockets', () => open().length === 0, limitMs).catch(() => {
      const text = `${String(open().length)} websockets of replaced instances are open after the drain time limit`;
      console.log(`  failed: ${text}`);
      this.#figures.failures.push(text);
    });
  }

  /** Ends the websockets. Resolves when all slow responses have come. */
  async finish(): Promise<void> {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.stop();
    await eventually('the end of the slow responses', () => this.#slowOpen === 0);
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.stop();
    await this.#dispatcher.destroy();
  }
}

function newFigures(): StreamFigures {
  return { websockets: 0, echoed: 0, ended: 0, slow: 0, failures: [] };
}

function digestOf(seed: string): string {
  return createHash('sha256').update(slowChunks(seed).join('')).digest('hex');
}
