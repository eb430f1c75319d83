import type { ProxyPaths } from './settings.ts';
import { CliSocket, type Converse } from './cli-socket.ts';
import type { RuntimeStep } from './converge.ts';
import {
  parseConnections,
  parseDroppedLogs,
  parseInfo,
  parseMap,
  parseServersState,
  parseWorkers,
  type Observed,
  type ObservedServer,
  type Workers,
} from './observed.ts';

/** Replies that mean success. All others are logged; the observed state afterwards decides. */
const DONE = /^(?:|no need to change .*|.*changed from .*|New server registered\.|nothing changed.*)$/s;

/** The running process, with its two sockets: runtime API and master. */
export class Runtime {
  readonly #worker: CliSocket;
  readonly #master: CliSocket;
  readonly #paths: ProxyPaths;

  constructor(paths: ProxyPaths) {
    this.#worker = new CliSocket(paths.runtimeSocket);
    this.#master = new CliSocket(paths.masterSocket);
    this.#paths = paths;
  }

  observe(): Promise<Observed> {
    return this.#worker.talk((say) => this.#observe(say));
  }

  async #observe(say: Converse): Promise<Observed> {
    return {
      ...parseInfo(await say('show info')),
      hosts: parseMap(await say(`show map ${this.#paths.hosts}`)),
      instances: parseMap(await say(`show map ${this.#paths.instances}`)),
      members: parseMap(await say(`show map ${this.#paths.members}`)),
      refused: parseMap(await say(`show map ${this.#paths.refused}`)),
      https: parseMap(await say(`show map ${this.#paths.https}`)),
      acme: parseMap(await say(`show map ${this.#paths.acme}`)),
      fronts: parseMap(await say(`show map ${this.#paths.fronts}`)),
      servers: parseServersState(await say('show servers state')),
    };
  }

  /** Only the servers of some backends, so that a change of a few apps is cheap. */
  observePools(pools: readonly string[]): Promise<Pick<Observed, 'workerPid' | 'layoutHash' | 'servers'>> {
    return this.#worker.talk(async (say) => {
      const info = parseInfo(await say('show info'));
      const servers: [string, ObservedServer][] = [];
      for (const pool of pools) servers.push(...parseServersState(await say(`show servers state ${pool}`)));
      return { ...info, servers: new Map(servers) };
    });
  }

  /** Servers of one backend. */
  servers(backend: string): Promise<readonly ObservedServer[]> {
    return this.#worker.talk(async (say) => [
      ...parseServersState(await say(`show servers state ${backend}`)).values(),
    ]);
  }

  /** One conversation with the worker. No other command is sent in between. */
  talk<T>(conversation: (say: Converse) => Promise<T>): Promise<T> {
    return this.#worker.talk(conversation);
  }

  info(): Promise<{ workerPid: number; layoutHash: string }> {
    return this.#worker.talk(async (say) => parseInfo(await say('show info')));
  }

  /** Sends the steps in order and returns the replies that were not a success. */
  send(steps: readonly RuntimeStep[]): Promise<string[]> {
    return this.#worker.talk(async (say) => {
      const notes: string[] = [];
      for (const step of steps) {
        const reply = step.kind === 'command' ? await say(step.text) : await replaceMap(say, step);
        if (!DONE.test(reply)) notes.push(`${step.kind === 'command' ? step.text : step.file}: ${reply.slice(0, 200)}`);
      }
      return notes;
    });
  }

  /**
   * Changes a worker that is being replaced, because clients still send requests on open connections.
   * `plan` gets its observed state. Best effort: the worker may end at any moment, and a map payload does not pass through the master.
   */
  async correctOld(pid: number, plan: (observed: Observed) => readonly RuntimeStep[]): Promise<void> {
    await this.#master.talk(async (say) => {
      const ask = (command: string): Promise<string> => say(`@!${String(pid)} ${command}`);
      const observed = await this.#observe(ask);
      for (const step of plan(observed)) if (step.kind === 'command') await ask(step.text);
    });
  }

  workers(): Promise<Workers> {
    return this.#master.talk(async (say) => parseWorkers(await say('show proc')));
  }

  /** Connections in use per server of some backends, over the current and the replaced workers. */
  async connections(pools: readonly string[]): Promise<Map<string, number>> {
    const replies = await this.#master.talk(async (say) => {
      const { current, old } = parseWorkers(await say('show proc'));
      const workers = current === undefined ? old : [current, ...old];
      const texts: string[] = [];
      for (const pid of workers) {
        for (const pool of pools) texts.push(await say(`@!${String(pid)} show servers conn ${pool}`));
      }
      return texts;
    });
    const total = new Map<string, number>();
    for (const [name, count] of replies.flatMap((reply) => [...parseConnections(reply)])) {
      total.set(name, (total.get(name) ?? 0) + count);
    }
    return total;
  }

  /** Worker pid → log lines that it could not write, for the current and the replaced workers. */
  async droppedLogs(): Promise<ReadonlyMap<string, number>> {
    return await this.#master.talk(async (say) => {
      const { current, old } = parseWorkers(await say('show proc'));
      const counts = new Map<string, number>();
      for (const pid of current === undefined ? old : [current, ...old])
        counts.set(String(pid), parseDroppedLogs(await say(`@!${String(pid)} show info`)));
      return counts;
    });
  }

  /** Closes every request and tunnel on one server, in replaced workers too. `target` is `pool/server`. */
  async cut(target: string): Promise<void> {
    await this.#master.talk(async (say) => {
      const { current, old } = parseWorkers(await say('show proc'));
      for (const pid of current === undefined ? old : [current, ...old]) {
        await say(`@!${String(pid)} shutdown sessions server ${target}`);
      }
    });
  }
}

async function replaceMap(say: Converse, step: Extract<RuntimeStep, { kind: 'replaceMap' }>): Promise<string> {
  const prepared = await say(`prepare map ${step.file}`);
  const version = /New version created: (\d+)/.exec(prepared)?.[1];
  if (version === undefined) return prepared;
  for (const payload of step.payloads) {
    // The payload ends with an empty line; a `+ ` prompt precedes each of its lines. The last one has lost its space.
    const reply = (await say(`add map @${version} ${step.file} <<\n${payload}`)).replace(/^(?:\+ ?)+/, '').trim();
    if (reply !== '') return reply;
  }
  return say(`commit map @${version} ${step.file}`);
}
