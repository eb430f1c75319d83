import type { Clock } from '../../../shared/kit/clock.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { Logger } from '../../../shared/kit/log.ts';
import { planRuntime, type RuntimeStep, type RuntimeTarget } from './converge.ts';
import { assumedServers, changedPools, mapsOf, type LastSeen } from './last-seen.ts';
import type { Observed } from './observed.ts';
import { probeBinds } from './port-probe.ts';
import { peerServerOptions } from './render-mesh.ts';
import { layoutHash } from './render.ts';
import { changeReplacedWorker } from './replaced-worker.ts';
import type { Runtime } from './runtime.ts';
import { allBinds, CERTIFICATE_MS, type ProxyPaths, type ProxySettings } from './settings.ts';
import { poolName, type SlotTable } from './slot-table.ts';
import { send, type Watcher } from './watcher.ts';

export interface ProcessDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly runtime: Runtime;
  readonly watcher: Watcher;
  readonly paths: ProxyPaths;
}

/** Rounds of corrections before a reload, and before an error. */
const ROUNDS_BEFORE_RELOAD = 4;
const ROUNDS_MAX = 10;
const POLL_MS = 20;
/** The whole process is observed after a change of more backends, or after this time. */
const PARTIAL_POOLS_MAX = 16;
const FULL_LOOK_INTERVAL_MS = 10_000;

/** The running HAProxy. It is changed until it serves a slot table whose files are written. */
export class ProxyProcess {
  readonly #settings: ProxySettings;
  readonly #deps: ProcessDeps;
  #lastSeen: LastSeen | undefined;
  #mustReload = false;
  #certificates = 0;
  #lastReloadAtMs = -Infinity;

  constructor(settings: ProxySettings, deps: ProcessDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  /** The table of the process is lost, so its backends may belong to other apps. It is replaced at once, not step by step. */
  replaceBeforeUse(): void {
    this.#mustReload = true;
  }

  /** Observes and corrects the process until it serves the table. @throws SLIP_PROXY_DOWN, SLIP_PROXY_RELOAD, SLIP_PROXY_MISMATCH */
  async converge(table: SlotTable): Promise<void> {
    this.#certificates = table.certificates.length;
    const mark = layoutHash(table, this.#settings);
    let notes: string[] = [];
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const observed = await this.untilAnswered(() => this.#observe(table));
      if (observed.layoutHash !== mark || this.#mustReload || round === ROUNDS_BEFORE_RELOAD) {
        await this.#reload(observed.workerPid);
        continue;
      }
      const steps = planRuntime(observed, table, this.#target());
      if (steps.length > 0) notes = await this.#send(steps, table);
      else if (await this.#isCurrent(observed.workerPid, table)) return;
    }
    throw mismatch(notes, await this.#deps.watcher.masterPid());
  }

  /** True for a worker that started after the last apply (crash, reload by hand). It may have read older files. */
  async isUnknownWorker(): Promise<boolean> {
    const { workerPid } = await this.untilAnswered(() => this.#deps.runtime.info());
    return workerPid !== this.#lastSeen?.workerPid;
  }

  /** True if neither HAProxy nor its watcher runs, so waiting does not help. */
  async isAbsent(): Promise<boolean> {
    return !(await this.#deps.watcher.running()) && (await this.#deps.watcher.masterPid()) === undefined;
  }

  async healthy(): Promise<boolean> {
    try {
      const { layoutHash: mark } = await this.#deps.runtime.info();
      return mark !== '';
    } catch {
      return false;
    }
  }

  /** After a start. @throws SLIP_PROXY_DOWN, SLIP_PROXY_PORT_* */
  async untilUp(table: SlotTable): Promise<void> {
    const { clock, watcher, paths } = this.#deps;
    this.#certificates = table.certificates.length;
    const deadline = clock.monotonicMs() + this.#limitMs();
    while (!(await this.healthy())) {
      if (clock.monotonicMs() >= deadline) {
        if ((await watcher.masterPid()) === undefined) await probeBinds(allBinds(this.#settings), this.#settings.ipv6);
        throw proxyDown(paths.logDir);
      }
      await clock.sleep(POLL_MS);
    }
  }

  /** Repeats a request until the process answers, because it may be restarting. @throws SLIP_PROXY_DOWN */
  async untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
    const { clock, paths } = this.#deps;
    const deadline = clock.monotonicMs() + this.#limitMs();
    for (;;) {
      try {
        return await ask();
      } catch (cause) {
        if (clock.monotonicMs() >= deadline || (await this.isAbsent())) throw proxyDown(paths.logDir, cause);
        await clock.sleep(POLL_MS);
      }
    }
  }

  /** A start takes longer with more certificates, and the master answers nobody until the new worker has loaded them. */
  #limitMs(): number {
    return this.#settings.startTimeoutMs + this.#certificates * CERTIFICATE_MS;
  }

  async #observe(table: SlotTable): Promise<Observed> {
    const lastSeen = this.#lastSeen;
    const { runtime, clock } = this.#deps;
    if (lastSeen !== undefined && clock.monotonicMs() - lastSeen.fullLookAtMs < FULL_LOOK_INTERVAL_MS) {
      const changed = changedPools(lastSeen.table, table);
      if (changed.size <= PARTIAL_POOLS_MAX) {
        const seen = await runtime.observePools([...changed]);
        const servers = new Map([...assumedServers(lastSeen.table, changed), ...seen.servers]);
        if (seen.workerPid === lastSeen.workerPid) return { ...lastSeen, layoutHash: seen.layoutHash, servers };
      }
    }
    this.#lastSeen = undefined;
    return runtime.observe();
  }

  #noteSeen(workerPid: number, table: SlotTable): void {
    const fullLookAtMs = this.#lastSeen?.fullLookAtMs ?? this.#deps.clock.monotonicMs();
    this.#lastSeen = { workerPid, table, ...mapsOf(table), fullLookAtMs };
  }

  #target(): RuntimeTarget {
    return { paths: this.#deps.paths, peerServerOptions: (server) => peerServerOptions(this.#settings, server) };
  }

  /** If the process dies or gives an unexpected reply, the next round observes it completely. */
  async #send(steps: readonly RuntimeStep[], table: SlotTable): Promise<string[]> {
    const lastSeen = this.#lastSeen;
    this.#lastSeen = undefined;
    try {
      const notes = await this.#deps.runtime.send(steps);
      if (notes.length > 0) this.#deps.logger.warn({ notes }, 'proxy.reply_unexpected');
      else if (lastSeen !== undefined && steps.every((step) => step.kind === 'command')) {
        this.#lastSeen = { ...lastSeen, ...mapsOf(table) };
      }
      return notes;
    } catch (error) {
      this.#deps.logger.warn({ err: error }, 'proxy.command_broken_off');
      return [];
    }
  }

  /** False if a reload has replaced the worker. The query waits for a running reload. */
  async #isCurrent(workerPid: number, table: SlotTable): Promise<boolean> {
    const { current, old } = await this.untilAnswered(() => this.#deps.runtime.workers());
    if (current !== workerPid) return false;
    for (const pid of old) await this.#correctOld(pid, table);
    this.#noteSeen(workerPid, table);
    return true;
  }

  async #correctOld(pid: number, table: SlotTable): Promise<void> {
    const { runtime } = this.#deps;
    const replacedPids = async (): Promise<readonly number[]> =>
      (await this.untilAnswered(() => runtime.workers())).old;
    const limitMs = this.#limitMs();
    await changeReplacedWorker(pid, (observed) => planRuntime(observed, knownTo(observed, table), this.#target()), {
      ...this.#deps,
      replacedPids,
      limitMs,
    });
  }

  /** @throws SLIP_PROXY_RELOAD if the old worker is not replaced; it continues to serve */
  async #reload(workerPid: number): Promise<void> {
    const { clock, watcher, logger, runtime, paths } = this.#deps;
    const { minReloadIntervalMs } = this.#settings;
    await clock.sleep(Math.max(0, this.#lastReloadAtMs + minReloadIntervalMs - clock.monotonicMs()));
    const master = await watcher.masterPid();
    // The master ignores signals until it answers, and its worker answers earlier. A signal before that would be lost.
    if (master !== undefined) await this.untilAnswered(() => runtime.workers());
    this.#lastReloadAtMs = clock.monotonicMs();
    this.#lastSeen = undefined;
    if (master === undefined) return; // it died and will restart with the new files
    logger.info({ workerPid }, 'proxy.reloaded');
    send(master, 'SIGUSR2');
    const deadline = clock.monotonicMs() + this.#limitMs();
    while (clock.monotonicMs() < deadline) {
      const { current } = await this.untilAnswered(() => runtime.workers());
      const info = await this.untilAnswered(() => runtime.info());
      if (info.workerPid !== workerPid && info.workerPid === current) {
        this.#mustReload = false;
        return;
      }
      await clock.sleep(POLL_MS);
    }
    throw new SlipwayError({
      code: 'SLIP_PROXY_RELOAD',
      kind: 'transient',
      message: 'HAProxy did not load its new configuration. The previous one stays active.',
      hint: `See the reason at the end of ${paths.logDir}/current.`,
    });
  }
}

/** The part of the table with backends that this worker has. An older layout may have fewer. */
function knownTo(observed: Observed, table: SlotTable): SlotTable {
  const known = new Set([...observed.servers.values()].map((server) => server.pool));
  return { ...table, pools: table.pools.filter((pool) => known.has(poolName(pool.number))) };
}

function mismatch(notes: readonly string[], masterPid: number | undefined): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_PROXY_MISMATCH',
    kind: 'bug',
    message: 'HAProxy does not have the expected routes after several attempts.',
    hint: `Restart HAProxy; the agent starts it again after: kill ${String(masterPid ?? 'PID')}`,
    details: { notes: notes.join('; ').slice(0, 1000) },
  });
}

function proxyDown(logDir: string, cause?: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_PROXY_DOWN',
    kind: 'transient',
    message: 'HAProxy is not running and did not start again.',
    hint: `See the reason at the end of ${logDir}/current.`,
    cause,
  });
}
