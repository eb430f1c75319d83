import type { AppId } from '../../shared/domain/ids.ts';
import { switchId, type NodeFigures, type SwitchQuery } from '../../shared/domain/switch-figures.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { FolderReader, type Followed } from '../logs/folder-reader.ts';
import { CHUNK_BYTES, openEnd, taiOffset } from '../logs/log-folder.ts';
import { takeTimestamp } from '../logs/timestamp.ts';
import type { Proxy } from '../proxy/port.ts';
import { parseAccessLine } from '../proxy/router-line.ts';
import { LostLines } from './lost-lines.ts';
import { MarkWriter } from './mark-writer.ts';
import { MARK_BYTES, parseMark } from './marks.ts';
import { SwitchWindow } from './window.ts';

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
/** One round reads at most this much, so that questions are answered also when the log grows fast. */
const ROUND_BYTES_MAX = 8 * 1024 * 1024;

/** Counts the requests of apps in a switch, from the log of the proxy, while the controller asks for it. Nothing is read at other times. */
export class Switches {
  readonly #deps: SwitchesDeps;
  readonly #windows = new Map<string, SwitchWindow>();
  readonly #marks: MarkWriter;
  readonly #lost: LostLines;
  #reader: FolderReader | undefined;
  #running: Promise<void> | undefined;
  #wake: () => void = () => undefined;
  #isWoken = false;
  #stopped = false;
  /** The last round had an error. Only the first of them is logged. */
  #isFailing = false;
  /** The log may have marks of a former process of the agent. */
  #hasFormerMarks = true;

  constructor(deps: SwitchesDeps) {
    this.#deps = deps;
    this.#marks = new MarkWriter(deps);
    this.#lost = new LostLines(deps);
  }

  /** Counts these switches and no others. */
  follow(queries: readonly SwitchQuery[]): void {
    const wanted = new Map(queries.map((query) => [switchId(query), query]));
    for (const id of this.#windows.keys()) if (!wanted.has(id)) this.#windows.delete(id);
    for (const [id, query] of wanted) {
      const window = this.#windows.get(id);
      if (window === undefined) this.#windows.set(id, this.#newWindow(query));
      else window.ask(query);
    }
    this.#start();
  }

  /** A new session: the controller may have lost the answers. */
  sessionStarted(): void {
    for (const window of this.#windows.values()) window.sessionStarted();
  }

  /** The proxy sends no new requests to an instance any more, or sends them again. */
  moved(appId: AppId, instanceId: string, isIn: boolean): void {
    const windows = this.#windowsOf(appId);
    if (windows.length === 0) return;
    for (const window of windows) window.moved(instanceId, isIn);
    void this.#marks.write({ kind: 'moved', appId, instanceId, isIn }).then((written) => {
      if (!written) for (const window of this.#windowsOf(appId)) window.missed('no-log');
    });
  }

  async close(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await this.#running;
  }

  #newWindow(query: SwitchQuery): SwitchWindow {
    const { proxy, clock, report } = this.#deps;
    return new SwitchWindow(query, { proxy, clock, report, marks: this.#marks, lost: this.#lost });
  }

  #windowsOf(appId: AppId): readonly SwitchWindow[] {
    return [...this.#windows.values()].filter((window) => window.appId === appId);
  }

  #start(): void {
    this.#isWoken = true;
    this.#wake();
    if (this.#windows.size === 0 || this.#stopped) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#isWoken) this.#start();
    });
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    while (this.#windows.size > 0 && !this.#stopped) {
      this.#isWoken = false;
      const isAtEnd = await this.#round();
      if (isAtEnd) await this.#pause();
    }
    this.#lost.clear();
    await this.#reader?.close().catch((error: unknown) => this.#failed(error));
    this.#reader = undefined;
  }

  /** Never rejects: the round after an error tries again. @returns false when there is more to read */
  async #round(): Promise<boolean> {
    let hasFailed = false;
    const failed = (error: unknown): boolean => {
      this.#failed(error);
      hasFailed = true;
      return true;
    };
    const isAtEnd = await this.#read().catch(failed);
    await this.#lost.read(READ_EVERY_MS);
    for (const window of this.#windows.values()) await window.advance(isAtEnd).catch(failed);
    this.#isFailing = hasFailed;
    return isAtEnd;
  }

  /** Lines of each switch may be missing. */
  #failed(error: unknown): void {
    if (!this.#isFailing) this.#deps.log.error({ err: error }, 'switches.count_failed');
    this.#isFailing = true;
    this.#marks.missing();
    for (const window of this.#windows.values()) window.missed('no-log');
  }

  /** @returns false when there is more to read */
  async #read(): Promise<boolean> {
    const dir = this.#deps.proxy.logDir();
    this.#reader ??= new FolderReader(dir, this.#hasFormerMarks ? undefined : await openEnd(dir));
    const taiOffsetSeconds = await taiOffset(dir);
    for (let read = 0; read < ROUND_BYTES_MAX; read += CHUNK_BYTES) {
      const step = await this.#reader.step();
      for (const followed of step.followed) this.#take(followed, taiOffsetSeconds);
      if (step.moved) continue;
      this.#hasFormerMarks = false;
      return true;
    }
    return false;
  }

  #take(followed: Followed, taiOffsetSeconds: bigint): void {
    const windows = [...this.#windows.values()];
    if (followed.kind === 'gap') {
      for (const window of windows) window.missed('rotated');
      return;
    }
    const ids = [...new Set(windows.map(({ appId }) => appId))].map((appId) => Buffer.from(`/${appId}`));
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
      for (const window of this.#windows.values()) if (window.appId === record.appId) window.takeRequest(record, atMs);
      return;
    }
    const mark = parseMark(text);
    if (mark === undefined) return;
    this.#marks.arrived();
    if (mark.kind === 'moved') for (const window of this.#windowsOf(mark.appId)) window.takeMove(mark, atMs);
    else this.#windows.get(switchId(mark))?.takeMark(mark);
  }

  async #pause(): Promise<void> {
    if (this.#isWoken || this.#stopped) return;
    const isWaiting = !this.#isFailing && [...this.#windows.values()].some((window) => window.isWaiting);
    const waking = new AbortController();
    this.#wake = () => waking.abort();
    await this.#deps.clock.sleep(isWaiting ? MARK_POLL_MS : READ_EVERY_MS, waking.signal).catch(() => undefined);
    this.#wake = () => undefined;
  }
}
