import type { AppId } from '../../shared/domain/ids.ts';
import type { NodeFigures, SwitchGap, SwitchQuery } from '../../shared/domain/switch-figures.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Proxy } from '../proxy/port.ts';
import type { AccessRecord } from '../proxy/router-line.ts';
import { lostBetween, SwitchCount } from './count.ts';
import type { LostLines } from './lost-lines.ts';
import type { MarkWriter } from './mark-writer.ts';
import type { Mark } from './marks.ts';

export interface WindowDeps {
  readonly proxy: Pick<Proxy, 'inFlight'>;
  readonly clock: Clock;
  readonly marks: MarkWriter;
  readonly lost: LostLines;
  readonly report: (figures: NodeFigures) => void;
}

type OwnMark = Exclude<Mark, { readonly kind: 'moved' }>;
type Open = ReadonlyMap<string, number>;

/** One switch: its count, and the question of the controller that it works on. */
export class SwitchWindow {
  readonly #deps: WindowDeps;
  #query: SwitchQuery;
  /** The number of the question that waits for an answer. 0 asks whether the count has begun. */
  #question = 0;
  /** `due`: no mark is written. `marked`: it is written. `counted`: it is in the log, so the count has every line before it. */
  #stage: 'due' | 'marked' | 'counted' | 'answered' = 'due';
  /** Monotonic time of the last mark. */
  #markedAtMs = 0;
  /** Counted since the `begin` mark in the log. */
  #count: SwitchCount | undefined;
  /** Lost lines at the `begin` mark. */
  #lostBefore: Readonly<Record<string, number>> = {};
  /** Instances that left the proxy. Their marks may not be in the log yet. */
  readonly #left = new Set<string>();
  /** Open requests just before the mark of the question was written: a request that is not open is in the log before the mark. */
  #openAtMark: Open = new Map();
  /** Of the last answer. */
  #openRequests = 0;

  constructor(query: SwitchQuery, deps: WindowDeps) {
    this.#query = query;
    this.#deps = deps;
  }

  get appId(): AppId {
    return this.#query.appId;
  }

  /** An answer is due. */
  get isWaiting(): boolean {
    return this.#stage !== 'answered';
  }

  ask(query: SwitchQuery): void {
    this.#query = query;
  }

  /** A new session: the controller may have lost the answer. */
  sessionStarted(): void {
    if (this.#stage === 'answered') this.#stage = 'counted';
  }

  /** The proxy sends no new requests to an instance any more, or sends them again. */
  moved(instanceId: string, isIn: boolean): void {
    if (isIn) this.#left.delete(instanceId);
    else this.#left.add(instanceId);
  }

  /** A line of the log: a request of the app has ended. */
  takeRequest(record: AccessRecord, atMs: number): void {
    this.#count?.request(record, atMs);
  }

  takeMove({ instanceId, isIn }: Extract<Mark, { readonly kind: 'moved' }>, atMs: number): void {
    if (isIn) this.#count?.entered(instanceId);
    else this.#count?.left(instanceId, atMs);
  }

  takeMark(mark: OwnMark): void {
    if (mark.kind === 'read') {
      if (this.#stage === 'marked' && mark.read === this.#question) this.#stage = 'counted';
    } else if (this.#count === undefined) {
      this.#count = new SwitchCount({ appId: mark.appId, release: mark.release }, mark.whole ? undefined : 'late');
      this.#lostBefore = mark.lost;
      this.#stage = 'counted';
    }
  }

  /** Lines are missing. */
  missed(gap: SwitchGap): void {
    this.#count?.missed(gap);
  }

  /** Writes the mark that is due, or sends the answer that is due. @param isAtEnd the whole log has been read */
  async advance(isAtEnd: boolean): Promise<void> {
    this.#nextQuestion();
    if (this.#stage === 'due') {
      // The log may have the `begin` mark of a former process of the agent.
      if (this.#count !== undefined || isAtEnd) await this.#mark();
    } else if (this.#stage === 'marked') {
      if (this.#deps.clock.monotonicMs() - this.#markedAtMs > this.#deps.marks.timeoutMs) this.#giveUp();
    }
    if (this.#count === undefined) return;
    if (this.#stage === 'counted') await this.#answer(this.#count);
    else if (this.#stage === 'answered' && this.#openRequests > 0) await this.#look(this.#count);
  }

  #nextQuestion(): void {
    const { read } = this.#query;
    if (read === this.#question || this.#count === undefined || this.#stage === 'marked') return;
    this.#question = read;
    this.#openRequests = 0;
    this.#openAtMark = new Map();
    this.#stage = read === 0 ? 'counted' : 'due';
  }

  async #mark(): Promise<void> {
    const { appId, release, opening } = this.#query;
    let mark: OwnMark = { kind: 'read', appId, release, read: this.#question };
    if (this.#count === undefined) {
      await this.#deps.lost.read(0);
      mark = { kind: 'begin', appId, release, whole: opening, lost: Object.fromEntries(this.#deps.lost.byProcess) };
    } else this.#openAtMark = await this.#open(new Set([...this.#left, ...this.#count.draining()]));
    this.#stage = 'marked';
    this.#markedAtMs = this.#deps.clock.monotonicMs();
    if (!(await this.#deps.marks.write(mark))) this.#giveUp();
  }

  /** The node has no log of its proxy. The next question tries again. */
  #giveUp(): void {
    const { appId, release } = this.#query;
    this.#deps.marks.missing();
    this.#count ??= new SwitchCount({ appId, release }, 'no-log');
    this.#count.missed('no-log');
    this.#stage = 'counted';
  }

  async #answer(count: SwitchCount): Promise<void> {
    const open = await this.#open(count.draining(), this.#openAtMark);
    await this.#deps.lost.read(0);
    this.#stage = 'answered';
    this.#report(count, open);
  }

  /** Answers again when the last open request of an old instance has ended. */
  async #look(count: SwitchCount): Promise<void> {
    const open = await this.#open(count.draining());
    if ([...open.values()].every((requests) => requests === 0)) this.#report(count, open);
  }

  #report(count: SwitchCount, open: Open): void {
    const lostLines = lostBetween(this.#lostBefore, this.#deps.lost.byProcess);
    const figures = count.figures({ read: this.#question, open, lostLines, nowMs: this.#deps.clock.nowMs() });
    this.#openRequests = this.#question === 0 ? 0 : figures.openRequests;
    this.#deps.report(figures);
  }

  async #open(instances: Iterable<string>, known: Open = new Map()): Promise<Open> {
    const open = new Map<string, number>();
    for (const id of instances) open.set(id, known.get(id) ?? (await this.#deps.proxy.inFlight(id).catch(() => 0)));
    return open;
  }
}
