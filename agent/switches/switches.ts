import type { AppId } from '../../shared/domain/ids.ts';
import type { NodeFigures, SwitchGap, SwitchKey, SwitchQuery } from '../../shared/domain/switch-figures.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { FolderReader, type Followed } from '../logs/folder-reader.ts';
import { CHUNK_BYTES, openEnd, taiOffset } from '../logs/log-folder.ts';
import { takeTimestamp } from '../logs/timestamp.ts';
import type { Proxy } from '../proxy/port.ts';
import { parseAccessLine } from '../proxy/router-line.ts';
import { lostBetween, SwitchCount } from './count.ts';
import { MARK_BYTES, parseMark, writeMark, type Mark } from './marks.ts';

export interface SwitchesDeps {
  readonly proxy: Pick<Proxy, 'logDir' | 'writeLogLine' | 'lostLogLines' | 'inFlight'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly report: (figures: NodeFigures) => void;
}

/** Often enough that a busy proxy does not rotate its log away: it keeps 10 MB, about 40 000 requests. */
const READ_EVERY_MS = 500;
/** While an answer waits for its mark. */
const MARK_POLL_MS = 10;
/** A mark that is not in the log by then never comes, because nothing writes the log. */
const MARK_TIMEOUT_MS = 5_000;
/** One round reads at most this much, so that questions are answered also when the log grows fast. */
const ROUND_BYTES_MAX = 8 * 1024 * 1024;

interface Window {
  query: SwitchQuery;
  /** From its `begin` mark in the log on. */
  count: SwitchCount | undefined;
  /** Lost lines at the `begin` mark. */
  lostBefore: Readonly<Record<string, number>>;
  /** Monotonic time of the last mark that is not in the log yet. */
  markedAtMs: number | undefined;
  /** The last question with a mark in the log. */
  asked: number;
  /** The last mark of a question that was written. */
  marked: number;
  answered: number;
  hasBegun: boolean;
  openRequests: number;
}

/** Counts the requests of apps in a switch, from the log of the proxy, while the controller asks for it. Nothing is read at other times. */
export class Switches {
  readonly #deps: SwitchesDeps;
  readonly #windows = new Map<string, Window>();
  #running: Promise<void> | undefined;
  #wake: () => void = () => undefined;
  #isWoken = false;
  #stopped = false;
  /** The log may have marks of a former process of the agent. */
  #hasFormerMarks = true;
  /** Lost lines by process of the proxy, and the monotonic time of this reading. */
  #lost: ReadonlyMap<string, number> = new Map();
  #lostAtMs = -Infinity;

  constructor(deps: SwitchesDeps) {
    this.#deps = deps;
  }

  /** Counts these switches and no others. */
  follow(queries: readonly SwitchQuery[]): void {
    const wanted = new Map(queries.map((query) => [keyOf(query), query]));
    for (const key of this.#windows.keys()) if (!wanted.has(key)) this.#windows.delete(key);
    for (const [key, query] of wanted) {
      const window = this.#windows.get(key);
      if (window === undefined) this.#windows.set(key, newWindow(query));
      else window.query = query;
    }
    this.#start();
  }

  /** A new session: the controller may have lost the answers. */
  sessionStarted(): void {
    for (const window of this.#windows.values()) Object.assign(window, { answered: -1, hasBegun: false });
  }

  /** The proxy sends no new requests to an instance any more, or sends them again. */
  moved(appId: AppId, instanceId: string, isIn: boolean): void {
    if (![...this.#windows.values()].some(({ query }) => query.appId === appId)) return;
    void this.#mark({ kind: 'moved', appId, instanceId, isIn }).then((written) => {
      if (!written) this.#missed(appId);
    });
  }

  async close(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await this.#running;
  }

  #start(): void {
    this.#isWoken = true;
    this.#wake();
    if (this.#windows.size === 0 || this.#stopped) return;
    this.#running ??= this.#run()
      .catch((error: unknown) => {
        this.#deps.log.error({ err: error }, 'switches.count_failed');
        for (const { count } of this.#windows.values()) count?.missed('no-log');
      })
      .finally(() => {
        this.#running = undefined;
        if (this.#isWoken) this.#start();
      });
  }

  async #run(): Promise<void> {
    const dir = this.#deps.proxy.logDir();
    const reader = new FolderReader(dir, this.#hasFormerMarks ? undefined : await openEnd(dir));
    try {
      while (this.#windows.size > 0 && !this.#stopped) {
        this.#isWoken = false;
        const isAtEnd = await this.#read(reader, await taiOffset(dir));
        if (isAtEnd) this.#hasFormerMarks = false;
        await this.#readLost(READ_EVERY_MS);
        for (const window of this.#windows.values()) await this.#advance(window, isAtEnd);
        if (isAtEnd) await this.#pause();
      }
    } finally {
      await reader.close();
    }
  }

  async #readLost(maxAgeMs: number): Promise<void> {
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs - this.#lostAtMs < maxAgeMs) return;
    this.#lostAtMs = nowMs;
    this.#lost = await this.#deps.proxy.lostLogLines().catch(() => this.#lost);
  }

  /** @returns false when there is more to read */
  async #read(reader: FolderReader, taiOffsetSeconds: bigint): Promise<boolean> {
    for (let read = 0; read < ROUND_BYTES_MAX; read += CHUNK_BYTES) {
      const step = await reader.step();
      for (const followed of step.followed) this.#take(followed, taiOffsetSeconds);
      if (!step.moved) return true;
    }
    return false;
  }

  #take(followed: Followed, taiOffsetSeconds: bigint): void {
    const windows = [...this.#windows.values()];
    if (followed.kind === 'gap') {
      for (const { count } of windows) count?.missed('rotated');
      return;
    }
    const ids = [...new Set(windows.map(({ query }) => query.appId))].map((appId) => Buffer.from(`/${appId}`));
    for (const line of followed.lines) {
      // most lines are about other apps
      if (line.includes(MARK_BYTES) || ids.some((id) => line.includes(id))) this.#takeLine(line, taiOffsetSeconds);
    }
  }

  #takeLine(line: Buffer, taiOffsetSeconds: bigint): void {
    const { atMs = this.#deps.clock.nowMs(), text: bytes } = takeTimestamp(line, taiOffsetSeconds);
    const text = bytes.toString('utf8');
    const record = parseAccessLine(text);
    if (record !== undefined) {
      for (const { query, count } of this.#windows.values())
        if (record.appId === query.appId) count?.request(record, atMs);
      return;
    }
    const mark = parseMark(text);
    if (mark?.kind === 'moved') this.#takeMove(mark, atMs);
    else if (mark !== undefined) this.#takeOwn(mark);
  }

  #takeMove({ appId, instanceId, isIn }: Extract<Mark, { kind: 'moved' }>, atMs: number): void {
    for (const { query, count } of this.#windows.values()) {
      if (query.appId !== appId) continue;
      if (isIn) count?.entered(instanceId);
      else count?.left(instanceId, atMs);
    }
  }

  #takeOwn(mark: Exclude<Mark, { kind: 'moved' }>): void {
    const window = this.#windows.get(keyOf(mark));
    if (window === undefined) return;
    window.markedAtMs = undefined;
    if (mark.kind === 'read') window.asked = mark.read;
    else if (window.count === undefined) {
      window.count = new SwitchCount({ appId: mark.appId, release: mark.release }, mark.whole ? undefined : 'late');
      window.lostBefore = mark.lost;
    }
  }

  /** Writes the mark that is due, or sends the answer that is due. */
  async #advance(window: Window, isAtEnd: boolean): Promise<void> {
    const { query, count, markedAtMs } = window;
    if (markedAtMs !== undefined) {
      if (this.#deps.clock.monotonicMs() - markedAtMs > MARK_TIMEOUT_MS) this.#giveUp(window);
      return;
    }
    if (count === undefined) {
      if (isAtEnd) await this.#begin(window);
    } else if (query.read > window.marked) await this.#ask(window);
    else if (this.#isDue(window) || window.openRequests > 0) await this.#answer(window, count);
  }

  async #begin(window: Window): Promise<void> {
    const { appId, release, opening } = window.query;
    await this.#readLost(0);
    const lost = Object.fromEntries(this.#lost);
    await this.#writeAndWait(window, { kind: 'begin', appId, release, whole: opening, lost });
  }

  async #ask(window: Window): Promise<void> {
    const { appId, release, read } = window.query;
    window.marked = read;
    await this.#writeAndWait(window, { kind: 'read', appId, release, read });
  }

  async #writeAndWait(window: Window, mark: Mark): Promise<void> {
    window.markedAtMs = this.#deps.clock.monotonicMs();
    if (!(await this.#mark(mark))) this.#giveUp(window);
  }

  #isDue({ query, answered, hasBegun, asked }: Window): boolean {
    return !hasBegun || (query.read === asked && answered < asked);
  }

  /** Also answers again when the last open request of an old instance has ended. */
  async #answer(window: Window, count: SwitchCount): Promise<void> {
    const isDue = this.#isDue(window);
    const open = await this.#openRequests(count);
    if (isDue) await this.#readLost(0);
    const read = window.query.read === window.asked ? window.asked : 0;
    const lostLines = lostBetween(window.lostBefore, this.#lost);
    const figures = count.figures({ read, open, lostLines, nowMs: this.#deps.clock.nowMs() });
    const hasDrained = window.openRequests > 0 && figures.openRequests === 0;
    window.openRequests = read === 0 ? 0 : figures.openRequests;
    window.hasBegun = true;
    window.answered = Math.max(window.answered, read);
    if (isDue || hasDrained) this.#deps.report(figures);
  }

  async #openRequests(count: SwitchCount): Promise<ReadonlyMap<string, number>> {
    const open = new Map<string, number>();
    for (const instanceId of count.draining()) {
      const requests = await this.#deps.proxy.inFlight(instanceId).catch(() => 0);
      if (requests > 0) open.set(instanceId, requests);
    }
    return open;
  }

  /** The node has no log of its proxy. The next question tries again. */
  #giveUp(window: Window): void {
    window.markedAtMs = undefined;
    window.count ??= new SwitchCount(window.query, 'no-log');
    window.count.missed('no-log');
    window.marked = window.asked = window.query.read;
  }

  #missed(appId: AppId): void {
    const gap: SwitchGap = 'no-log';
    for (const { query, count } of this.#windows.values()) if (query.appId === appId) count?.missed(gap);
  }

  async #mark(mark: Mark): Promise<boolean> {
    try {
      return await this.#deps.proxy.writeLogLine(writeMark(mark));
    } catch (error) {
      this.#deps.log.warn({ err: error }, 'switches.mark_not_written');
      return false;
    }
  }

  async #pause(): Promise<void> {
    if (this.#isWoken || this.#stopped) return;
    const isMarked = [...this.#windows.values()].some(
      (window) => window.markedAtMs !== undefined || (window.count !== undefined && this.#isDue(window)),
    );
    const waking = new AbortController();
    this.#wake = () => waking.abort();
    await this.#deps.clock.sleep(isMarked ? MARK_POLL_MS : READ_EVERY_MS, waking.signal).catch(() => undefined);
    this.#wake = () => undefined;
  }
}

function keyOf({ appId, release }: SwitchKey): string {
  return `${appId} ${String(release)}`;
}

function newWindow(query: SwitchQuery): Window {
  return {
    query,
    count: undefined,
    lostBefore: {},
    markedAtMs: undefined,
    ...{ asked: 0, marked: 0, answered: -1, hasBegun: false, openRequests: 0 },
  };
}
