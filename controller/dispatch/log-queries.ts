import type { NodeId } from '../../shared/domain/ids.ts';
import type { LogLine } from '../../shared/domain/log-line.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { RandomId } from '../../shared/kit/random-id.ts';
import type { LogChunk } from '../../shared/rpc/messages.ts';
import type { Store } from '../store/port.ts';
import type { AgentSession } from './agent-session.ts';
import { lastLines, LineBuffer } from './line-buffer.ts';
import type { AppLogQuery } from './port.ts';

export interface LogQueriesDeps {
  readonly clock: Clock;
  readonly randomId: RandomId;
  readonly store: Pick<Store, 'assignmentsOfApp'>;
  readonly sessions: () => readonly AgentSession[];
  readonly nodeName: (node: NodeId) => string;
}

/** How long to wait for the past lines of a node. */
const ANSWER_TIMEOUT_MS = 10_000;
/** A follower waits at most this long for the first answer of every node, so that past lines can be sorted. */
const ORDER_WINDOW_MS = 250;
const MAX_BUFFERED_LINES = 20_000;
const MAX_PAST_LINES = 200_000;
/** In a fleet of at most this size every node is asked, which also finds lines of former instances. */
const ASK_ALL_UP_TO = 16;

const CUT = { code: 'SLIP_LOGS_CUT', message: 'the connection was lost; some lines are missing.' };

interface Asked {
  readonly session: AgentSession;
  readonly onChunk: (chunk: LogChunk) => void;
}

/** The query of one reader, which several nodes answer. */
interface Reading {
  readonly query: AppLogQuery;
  readonly buffer: LineBuffer;
  /** The id of the open query at each node. */
  readonly open: Map<NodeId, string>;
  readonly silent: Set<NodeId>;
  /** Called after every answer. */
  wake: () => void;
}

export class LogQueries {
  readonly #deps: LogQueriesDeps;
  readonly #asked = new Map<string, Asked>();
  readonly #followers = new Set<Reading>();

  constructor(deps: LogQueriesDeps) {
    this.#deps = deps;
  }

  onChunk(session: AgentSession, chunk: LogChunk): void {
    const asked = this.#asked.get(chunk.queryId);
    if (asked === undefined) return; // the query was cancelled
    if (asked.session === session) asked.onChunk(chunk);
    else session.warnOnce('session.unknown_log_query');
  }

  onDisconnect(session: AgentSession): void {
    for (const [queryId, asked] of this.#asked) {
      if (asked.session === session) asked.onChunk({ kind: 'logChunk', queryId, lines: [], end: true, failure: CUT });
    }
  }

  /** Asks a node that reconnected or got other instances for the apps that readers follow. */
  async onNodeChange(session: AgentSession): Promise<void> {
    for (const reading of this.#followers) {
      if (reading.open.has(session.nodeId)) continue;
      const rows = await this.#deps.store.assignmentsOfApp(reading.query.appId);
      const concerned = rows.some((row) => row.nodeId === session.nodeId) && this.#followers.has(reading);
      if (concerned && !reading.open.has(session.nodeId)) this.#ask(reading, session, 0);
    }
  }

  async *read(query: AppLogQuery, signal: AbortSignal): AsyncGenerator<LogLine> {
    const expected = (query.lines + 100) * (this.#deps.sessions().length + 1);
    const buffer = new LineBuffer(Math.min(query.follow ? MAX_BUFFERED_LINES : expected, MAX_PAST_LINES));
    const reading: Reading = { query, buffer, open: new Map(), silent: new Set(), wake: () => undefined };
    const stop = (): void => {
      buffer.end();
      reading.wake();
    };
    signal.addEventListener('abort', stop);
    try {
      const missing = await this.#askAll(reading);
      yield* await this.#past(reading, signal);
      yield* missing.map((node) => this.#notice(`${node} is not connected; its lines are missing.`));
      if (query.follow && !signal.aborted) yield* this.#follow(reading);
    } finally {
      signal.removeEventListener('abort', stop);
      this.#close(reading);
    }
  }

  /** @returns the names of nodes that have instances of the app but no session */
  async #askAll(reading: Reading): Promise<readonly string[]> {
    const rows = await this.#deps.store.assignmentsOfApp(reading.query.appId);
    const holders = new Set(rows.map((row) => row.nodeId));
    const sessions = this.#deps.sessions();
    const targets =
      sessions.length <= ASK_ALL_UP_TO ? sessions : sessions.filter((session) => holders.has(session.nodeId));
    for (const session of targets) this.#ask(reading, session, reading.query.lines);
    if (reading.query.follow) this.#followers.add(reading);
    const connected = new Set(sessions.map((session) => session.nodeId));
    return [...holders].filter((node) => !connected.has(node)).map(this.#deps.nodeName);
  }

  #ask(reading: Reading, session: AgentSession, lines: number): void {
    const queryId = this.#deps.randomId();
    const { app, appId, process, source, follow } = reading.query;
    reading.open.set(session.nodeId, queryId);
    reading.silent.add(session.nodeId);
    this.#asked.set(queryId, { session, onChunk: (chunk) => this.#take(reading, session, chunk) });
    session.send({ kind: 'logQuery', queryId, app, appId, process, source, lines, follow });
  }

  #take(reading: Reading, session: AgentSession, chunk: LogChunk): void {
    reading.silent.delete(session.nodeId);
    const { source } = reading.query;
    // An older agent sends lines of both sources.
    reading.buffer.push(source === undefined ? chunk.lines : chunk.lines.filter((line) => line.source === source));
    if (chunk.failure !== undefined) reading.buffer.push([this.#notice(`${session.name}: ${chunk.failure.message}`)]);
    if (chunk.end) {
      this.#asked.delete(chunk.queryId);
      reading.open.delete(session.nodeId);
    }
    reading.wake();
  }

  /** The past lines in order. A follower gets the lines that have arrived when every node has sent its first answer. */
  async #past(reading: Reading, signal: AbortSignal): Promise<readonly LogLine[]> {
    const { query, open, silent, buffer } = reading;
    const limitMs = query.follow ? ORDER_WINDOW_MS : ANSWER_TIMEOUT_MS;
    const waitingFor = (): number => (query.follow ? silent.size : open.size);
    const timeout = new AbortController();
    const timer = this.#deps.clock.sleep(limitMs, timeout.signal).then(
      () => true,
      () => true,
    );
    let late = false;
    while (waitingFor() > 0 && !late && !signal.aborted) {
      const answered = new Promise<boolean>((resolve) => {
        reading.wake = () => resolve(false);
      });
      late = await Promise.race([answered, timer]);
    }
    timeout.abort();
    const { lines, dropped } = buffer.takeNow();
    const past = lastLines(lines, query.follow ? lines.length : query.lines);
    const notAnswered = query.follow ? [] : [...open.keys()];
    const cut =
      dropped > 0 && past.length < query.lines
        ? [this.#notice('older lines are left out because the lines are too long.')]
        : [];
    return [
      ...cut,
      ...past,
      ...notAnswered.map((node) => this.#notice(`${this.#deps.nodeName(node)} did not answer; its lines are missing.`)),
    ];
  }

  async *#follow(reading: Reading): AsyncGenerator<LogLine> {
    for (;;) {
      const taken = await reading.buffer.take();
      if (taken === undefined) return;
      if (taken.dropped > 0)
        yield this.#notice(`${String(taken.dropped)} lines were dropped because this reader is too slow.`);
      yield* taken.lines;
    }
  }

  #close(reading: Reading): void {
    this.#followers.delete(reading);
    for (const queryId of reading.open.values()) {
      this.#asked.get(queryId)?.session.send({ kind: 'cancelLogQuery', queryId });
      this.#asked.delete(queryId);
    }
    reading.open.clear();
  }

  #notice(message: string): LogLine {
    return { atMs: this.#deps.clock.nowMs(), source: 'slipway', process: 'logs', message };
  }
}
