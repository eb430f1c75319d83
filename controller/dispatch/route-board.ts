import type { Epoch } from '../../shared/domain/assignment.ts';
import { routesBetween, wholeTable, type FleetApp, type FleetRoutes } from '../../shared/domain/fleet-routes.ts';
import type { AppId, InstanceId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { describeCauses } from '../../shared/kit/errors.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { callAfter } from '../../shared/kit/timer.ts';
import { encodeControllerMessage } from '../../shared/rpc/controller-codec.ts';
import type { RoutesAck } from '../../shared/rpc/messages.ts';
import type { WireControllerMessage } from '../../shared/rpc/service.ts';
import type { AssignmentRow, Store } from '../store/port.ts';
import type { AgentSession } from './agent-session.ts';
import { peerOf, tableEntry, type TableView } from './fleet-table.ts';
import type { NodeBook } from './node-book.ts';

export interface RouteBoardDeps {
  readonly store: Pick<Store, 'routedApps' | 'allAssignments' | 'assignmentsOfApp' | 'refusedCertificates'>;
  readonly book: NodeBook;
  readonly sessions: () => readonly AgentSession[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly epoch: Epoch;
  readonly baseDomain: string;
  readonly refusalRetryMs: number;
}

/** Reports come in bursts: between two looks at everything there is at least this, and ten times what a look takes. */
const LOOK_PAUSE_MS = 20;
/** A node that has not taken a route over by then has troubles of its own, and nobody waits for it again before it has caught up. */
const WAIT_MS = 5_000;

/** The fleet's route table: kept true to database and reports, sent to every agent, waited for. */
export class RouteBoard {
  readonly #deps: RouteBoardDeps;
  readonly #leaving = new Map<AppId, ReadonlySet<InstanceId>>();
  /** Version at which an app's line changed last. */
  readonly #changedAt = new Map<AppId, number>();
  readonly #waiting = new Set<() => void>();
  #table: FleetRoutes;
  /** Unknown until the first look, and after each revocation. */
  #refused: readonly string[] | undefined;
  #whole: WireControllerMessage | undefined;
  #step: WireControllerMessage | undefined;
  #known = false;
  #planned = false;
  #lookTookMs = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(deps: RouteBoardDeps) {
    this.#deps = deps;
    this.#table = { epoch: deps.epoch, version: 1, peers: [], apps: [], refused: [] };
  }

  /** Something may have changed: look again soon. */
  wake(): void {
    if (this.#planned) return;
    this.#planned = true;
    callAfter(this.#deps.clock, Math.max(LOOK_PAUSE_MS, this.#lookTookMs * 10), () => {
      this.#planned = false;
      void this.#inTurn(() => this.#look());
    });
  }

  /** A node's certificates were taken out of force. */
  revoked(): void {
    this.#refused = undefined;
    this.wake();
  }

  /** A session that has just begun gets the whole table. */
  async welcome(session: AgentSession): Promise<void> {
    if (session.hello?.takesFleetRoutes !== true) return;
    if (!this.#known) await this.#inTurn(() => this.#look());
    this.#bring(session);
  }

  acknowledged(session: AgentSession, ack: RoutesAck): void {
    const { sent } = session.routes;
    if (sent === undefined || ack.version > sent) {
      session.complain('agent acknowledges a route table it was not sent; ignored', { version: ack.version });
      return;
    }
    if (ack.refusal === undefined) session.routes.applied = Math.max(session.routes.applied, ack.version);
    else this.#refusedBy(session, ack);
    if (session.routes.applied === this.#table.version) session.routes.slow = false;
    this.#tell();
  }

  /** A session has ended: nobody waits for it. */
  ended(): void {
    this.#tell();
  }

  /** See `Fleet.routesApplied`. */
  async applied(appId: AppId, signal: AbortSignal, leaving: readonly InstanceId[]): Promise<void> {
    if (leaving.length === 0) this.#leaving.delete(appId);
    else this.#leaving.set(appId, new Set(leaving));
    await this.#inTurn(() => this.#lookAt(appId));
    const version = this.#changedAt.get(appId) ?? 0;
    const untilMs = this.#deps.clock.monotonicMs() + WAIT_MS;
    let late = this.#late(version);
    while (late.length > 0 && !signal.aborted && this.#deps.clock.monotonicMs() < untilMs) {
      await this.#change(untilMs, signal);
      late = this.#late(version);
    }
    if (late.length === 0 || signal.aborted) return;
    for (const session of late) session.routes.slow = true;
    this.#deps.logger.warn({ nodes: late.map((each) => each.name).join(', '), appId }, 'routes.not-applied');
  }

  /** One at a time; a look that fails is tried again with the next change, and the table stays as it is. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(work).catch((error: unknown) => {
      this.#deps.logger.error({ error: describeCauses(error) }, 'routes.not-read');
    });
    return this.#turn;
  }

  async #look(): Promise<void> {
    const startedAtMs = this.#deps.clock.monotonicMs();
    const [apps, rows] = [await this.#deps.store.routedApps(), await this.#deps.store.allAssignments()];
    this.#refused ??= await this.#deps.store.refusedCertificates(this.#deps.clock.nowMs());
    const byApp = Map.groupBy(rows, (row) => row.appId);
    for (const appId of this.#leaving.keys()) this.#forgetLeft(appId, byApp.get(appId) ?? []);
    this.#publish(apps.flatMap((app) => tableEntry(app, byApp.get(app.appId) ?? [], this.#view(app.appId)) ?? []));
    this.#known = true;
    this.#lookTookMs = this.#deps.clock.monotonicMs() - startedAtMs;
  }

  /** The app alone: what most deploys need, whatever the number of the others. */
  async #lookAt(appId: AppId): Promise<void> {
    if (!this.#known) return this.#look();
    const [apps, rows] = [await this.#deps.store.routedApps(appId), await this.#deps.store.assignmentsOfApp(appId)];
    const entries = apps.flatMap((app) => tableEntry(app, rows, this.#view(appId)) ?? []);
    this.#publish([...this.#table.apps.filter((each) => each.appId !== appId), ...entries]);
  }

  /** What has lost its place is not about to lose it any more. */
  #forgetLeft(appId: AppId, rows: readonly AssignmentRow[]): void {
    const leaving = this.#leaving.get(appId);
    if (!rows.some((row) => row.desired === 'run' && leaving?.has(row.instanceId) === true)) this.#leaving.delete(appId);
  }

  #view(appId: AppId): TableView {
    const { book, baseDomain } = this.#deps;
    return {
      stateOf: (instance) => book.status(instance)?.state,
      nodeState: (node) => book.get(node)?.state,
      leaving: this.#leaving.get(appId) ?? new Set(),
      baseDomain,
    };
  }

  #publish(unsorted: readonly FleetApp[]): void {
    const apps = unsorted.toSorted((a, b) => (a.appId < b.appId ? -1 : 1));
    const members = [...this.#deps.book.all()].filter((node) => node.state !== 'removed');
    const peers = members.map(peerOf).sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
    const next = { epoch: this.#deps.epoch, version: this.#table.version + 1, peers, apps, refused: this.#refused ?? this.#table.refused };
    const step = routesBetween(this.#table, next);
    const { removedNodeIds, removedAppIds } = step;
    if ([step.peers, step.apps, removedNodeIds, removedAppIds, step.refused].every((part) => part.length === 0)) return;
    for (const { appId } of step.apps) this.#changedAt.set(appId, next.version);
    for (const appId of removedAppIds) this.#changedAt.set(appId, next.version);
    this.#table = next;
    this.#step = encodeControllerMessage({ kind: 'fleetRoutes', update: step });
    this.#whole = undefined;
    for (const session of this.#deps.sessions()) this.#bring(session);
  }

  /** Sends what the session lacks: the last step, or the whole. One that takes no more now is brought up to date later. */
  #bring(session: AgentSession): void {
    const { routes } = session;
    if (!this.#known || session.hello?.takesFleetRoutes !== true || routes.sent === this.#table.version || routes.full) return;
    const isNext = routes.sent === this.#table.version - 1;
    routes.sent = this.#table.version;
    routes.full = true;
    session.sendEncoded(isNext && this.#step !== undefined ? this.#step : this.#wholeTable());
    void session.drained().then(() => {
      routes.full = false;
      this.#bring(session);
    });
  }

  #wholeTable(): WireControllerMessage {
    return (this.#whole ??= encodeControllerMessage({ kind: 'fleetRoutes', update: wholeTable(this.#table) }));
  }

  /** It has another table than we think, or cannot use this one: the whole again, at once the first time. */
  #refusedBy(session: AgentSession, ack: RoutesAck): void {
    const { code, message } = ack.refusal ?? {};
    this.#deps.logger.warn({ node: session.name, version: ack.version, code }, `agent refused the routes: ${message ?? ''}`);
    const again = (): void => {
      session.routes.sent = undefined;
      this.#bring(session);
    };
    if (code === 'SLIP_ROUTES_GAP') again();
    else callAfter(this.#deps.clock, this.#deps.refusalRetryMs, () => session.open && again());
  }

  #late(version: number): readonly AgentSession[] {
    const waited = this.#deps.sessions().filter(({ hello, routes }) => hello?.takesFleetRoutes === true && !routes.slow);
    return waited.filter(({ routes }) => routes.applied < version);
  }

  #tell(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  async #change(untilMs: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const wake = (): void => woken.abort();
    this.#waiting.add(wake);
    const leftMs = Math.max(0, untilMs - this.#deps.clock.monotonicMs());
    await this.#deps.clock.sleep(leftMs, AbortSignal.any([woken.signal, signal])).catch(() => undefined);
    this.#waiting.delete(wake);
  }
}
