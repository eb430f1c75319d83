import type { Clock } from '../../../shared/kit/clock.ts';
import type { Run } from '../../../shared/kit/exec.ts';
import { noFailpoint, type Failpoint } from '../../../shared/kit/failpoint.ts';
import { KeyedQueue } from '../../../shared/kit/keyed-queue.ts';
import type { Logger } from '../../../shared/kit/log.ts';
import type { Proxy, ProxyRoutes, UnservedCertificate } from '../port.ts';
import { replaceContent } from './certificate-commands.ts';
import { EdgeCertificates } from './edge-certificates.ts';
import { StalledRequests } from './abort-stalled-requests.ts';
import { ProxyFiles, type MeshTls } from './files.ts';
import { writeLogLine } from './log-pipe.ts';
import { parsePair } from '../../../shared/kit/certificate-pair.ts';
import { planFronts } from './plan-fronts.ts';
import { planSlots } from './plan.ts';
import { probeBinds } from './port-probe.ts';
import { ProxyProcess } from './process.ts';
import { CHECKS } from './render-mesh.ts';
import { layoutHash } from './render.ts';
import { Runtime } from './runtime.ts';
import { allBinds, resolveSettings, type HaproxyConfig, type ProxySettings } from './settings.ts';
import { emptyTable, findSlot, poolName, serverName, withoutDraining, type SlotTable } from './slot-table.ts';
import { Watcher } from './watcher.ts';

export interface HaproxyDeps {
  readonly run: Run;
  readonly clock: Clock;
  readonly logger: Logger;
  /** True if systemd runs and we are root. Then the process becomes a separate unit. */
  readonly systemd: boolean;
  readonly failpoint?: Failpoint | undefined;
  /** Read at every start and at every check. Required with a mesh. @throws if a file is missing or damaged */
  readonly meshTls?: (() => Promise<MeshTls>) | undefined;
}

/** @throws SLIP_PROXY_CONFIG */
export function createHaproxy(config: HaproxyConfig, deps: HaproxyDeps): Proxy {
  return new Haproxy(resolveSettings(config), deps);
}

class Haproxy implements Proxy {
  readonly kind = 'haproxy';
  readonly #settings: ProxySettings;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #failpoint: Failpoint;
  readonly #files: ProxyFiles;
  readonly #runtime: Runtime;
  readonly #stalledRequests: StalledRequests;
  readonly #watcher: Watcher;
  readonly #process: ProxyProcess;
  readonly #edge: EdgeCertificates;
  readonly #queue = new KeyedQueue();
  #table: SlotTable | undefined;
  #checkedMark: string | undefined;
  readonly #meshTls: HaproxyDeps['meshTls'];
  #meshReady = false;

  constructor(settings: ProxySettings, deps: HaproxyDeps) {
    this.#settings = settings;
    this.#logger = deps.logger;
    this.#clock = deps.clock;
    this.#meshTls = deps.meshTls;
    this.#meshReady = settings.mesh === undefined;
    this.#failpoint = deps.failpoint ?? noFailpoint;
    this.#files = new ProxyFiles(settings, deps.run);
    this.#runtime = new Runtime(this.#files.paths);
    this.#stalledRequests = new StalledRequests(this.#runtime);
    this.#watcher = new Watcher(settings, deps);
    this.#process = new ProxyProcess(settings, {
      ...deps,
      runtime: this.#runtime,
      watcher: this.#watcher,
      paths: this.#files.paths,
    });
    this.#edge = new EdgeCertificates(settings, {
      ...deps,
      failpoint: this.#failpoint,
      runtime: this.#runtime,
      watcher: this.#watcher,
      files: this.#files,
    });
  }

  logDir(): string {
    return this.#files.paths.logDir;
  }

  writeLogLine(line: string): Promise<boolean> {
    return writeLogLine(this.#files.paths.logPipe, line, this.#clock);
  }

  async lostLogLines(): Promise<ReadonlyMap<string, number>> {
    return (await this.#process.isAbsent()) ? new Map() : this.#runtime.droppedLogs();
  }

  healthy(): Promise<boolean> {
    return this.#process.healthy();
  }

  unservedCertificates(): Promise<readonly UnservedCertificate[]> {
    return this.#edge.unserved();
  }

  problems(): readonly string[] {
    return this.#edge.problems();
  }

  apply({
    apps,
    members,
    refused,
    certificates = [],
    acmeThumbprint,
    fronts,
    plainOnly = false,
  }: ProxyRoutes): Promise<void> {
    return this.#queue.enqueue('change', async () => {
      const before = await this.#load();
      const idle = await this.#idleServers(before);
      const { slotsPerBackend, mesh } = this.#settings;
      const wanted =
        mesh === undefined
          ? { routes: apps.map((route) => ({ ...route, peers: [] })) }
          : { routes: apps, members, refused };
      await this.#files.prepare();
      const edge = {
        ...(await this.#edge.take(before, certificates, plainOnly)),
        acmeThumbprint,
        fronts: planFronts(this.#settings, fronts),
      };
      const { table, errors } = planSlots({ table: before, ...wanted, ...edge, idle, slotsPerBackend });
      if (!this.#meshReady) await this.#writeMesh();
      await this.#check(table);
      await this.#failpoint('proxy.planned');
      await this.#files.write(table);
      this.#table = table;
      await this.#failpoint('proxy.written');
      await this.#process.converge(table);
      await this.#edge.follow(table);
      for (const error of errors)
        this.#logger.error({ code: error.code, reason: error.message }, 'proxy.route_refused');
      if (errors[0] !== undefined) throw errors[0];
    });
  }

  async inFlight(backendId: string): Promise<number> {
    if (findSlot(await this.#load(), backendId) === undefined || (await this.#process.isAbsent())) return 0;
    if (await this.#process.isUnknownWorker())
      await this.#queue.enqueue('change', async () => this.#process.converge(await this.#load()));
    const at = findSlot(await this.#load(), backendId);
    if (at === undefined) return 0;
    const counts = await this.#process.untilAnswered(() => this.#runtime.connections([poolName(at.pool.number)]));
    return counts.get(serverName(at.pool.number, at.slot.number)) ?? 0;
  }

  forget(backendId: string): Promise<void> {
    return this.#queue.enqueue('change', async () => {
      const table = await this.#load();
      const at = findSlot(table, backendId);
      if (at?.slot.state !== 'draining') return;
      if (!(await this.#process.isAbsent())) {
        const target = `${poolName(at.pool.number)}/${serverName(at.pool.number, at.slot.number)}`;
        await this.#process.untilAnswered(() => this.#runtime.cut(target));
      }
      // The files keep the name until the slot is used again, because the closed requests are still to be logged.
      this.#table = withoutDraining(table, backendId);
    });
  }

  ensureRunning(): Promise<void> {
    return this.#queue.enqueue('start', async () => {
      const watched = await this.#watcher.running();
      if (watched && (await this.healthy())) {
        await this.renewCertificate();
        return this.#repair();
      }
      await this.#files.restore();
      await this.#files.prepare();
      await this.#writeMesh();
      // In the same queue as apply, so that an older table never overwrites a newer one.
      const table = await this.#queue.enqueue('change', async () => {
        const stored = await this.#load();
        this.#table = { ...stored, ...(await this.#edge.take(stored)) };
        await this.#files.write(this.#table);
        return this.#table;
      });
      if (!watched) {
        if ((await this.#watcher.masterPid()) === undefined) await this.#beforeStart();
        await this.#watcher.start();
        this.#logger.info({ binds: this.#settings.binds }, 'proxy.started');
      }
      await this.#process.untilUp(table);
    });
  }

  stop(): Promise<void> {
    return this.#queue.enqueue('start', () => {
      this.#edge.stop();
      return this.#watcher.stop();
    });
  }

  /** Repairs files and process after changes by other programs. Before the first apply, the wanted state is unknown. */
  #repair(): Promise<void> {
    return this.#queue.enqueue('change', async () => {
      if (this.#table === undefined) return;
      if (await this.#files.restore()) this.#logger.warn({}, 'proxy.files_restored');
      const edge = await this.#edge.repair(this.#table);
      if (edge !== undefined) {
        this.#table = { ...this.#table, ...edge };
        await this.#check(this.#table);
        await this.#files.write(this.#table);
      }
      await this.#process.converge(this.#table);
      await this.#edge.follow(this.#table);
      if (this.#settings.mesh !== undefined) await this.#stalledRequests.abort(this.#table);
    });
  }

  async unreachablePeers(forMs: number): Promise<readonly string[]> {
    if (this.#settings.mesh === undefined) return [];
    const servers = await this.#runtime.servers(CHECKS).catch(() => []);
    return servers
      .filter(({ downForMs }) => downForMs !== undefined && downForMs >= forMs)
      .map((server) => server.name);
  }

  /** If the files cannot be read, the process keeps its certificate. */
  async renewCertificate(): Promise<void> {
    try {
      const pem = await this.#writeMesh();
      if (pem === undefined) return;
      const file = this.#files.paths.meshCertificate;
      await this.#runtime.talk((say) => replaceContent(say, { ...parsePair(pem), file }));
      this.#logger.info({}, 'proxy.certificate_renewed');
    } catch (error) {
      this.#logger.error({ err: error }, 'proxy.certificate_not_renewed');
    }
  }

  /** @throws if the certificate or the CA is missing or damaged: then there is no mesh, because it would be open to everyone */
  async #writeMesh(): Promise<string | undefined> {
    const meshTls = this.#meshTls;
    if (this.#settings.mesh === undefined || meshTls === undefined) return undefined;
    const pem = await this.#files.writeMesh(await meshTls());
    this.#meshReady = true;
    return pem;
  }

  async #beforeStart(): Promise<void> {
    await probeBinds(allBinds(this.#settings), this.#settings.ipv6);
    await this.#check(await this.#load());
  }

  /** HAProxy checks each new layout once. Server lines need no check, because their values are checked already. */
  async #check(table: SlotTable): Promise<void> {
    const mark = layoutHash(table, this.#settings);
    if (mark === this.#checkedMark) return;
    await this.#files.check(table);
    this.#checkedMark = mark;
  }

  async #load(): Promise<SlotTable> {
    if (this.#table !== undefined) return this.#table;
    const stored = await this.#files.load();
    if (stored === undefined && (await this.healthy())) this.#process.replaceBeforeUse();
    const { poolSize } = this.#settings;
    this.#table ??=
      stored === undefined
        ? { ...emptyTable(poolSize), fronts: planFronts(this.#settings) }
        : { ...stored, poolSize: Math.max(poolSize, stored.poolSize) };
    return this.#table;
  }

  /** Draining servers without open connections. If the process does not answer, none: their slots are just not reused yet. */
  async #idleServers(table: SlotTable): Promise<ReadonlySet<string>> {
    const draining = table.pools
      .map((pool) => ({ pool: pool.number, slots: pool.slots.filter((slot) => slot.state === 'draining') }))
      .filter(({ slots }) => slots.length > 0);
    if (draining.length === 0) return new Set();
    try {
      const counts = await this.#runtime.connections(draining.map(({ pool }) => poolName(pool)));
      const names = draining.flatMap(({ pool, slots }) => slots.map((slot) => serverName(pool, slot.number)));
      return new Set(names.filter((name) => counts.get(name) === 0));
    } catch {
      return new Set();
    }
  }
}
