import type { Epoch } from '../../shared/domain/assignment.ts';
import {
  routesBetween,
  routesDigest,
  sameTable,
  wholeTable,
  type FleetRoutes,
} from '../../shared/domain/fleet-routes.ts';
import type { AppId, InstanceId, NodeId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { callAfter } from '../../shared/kit/timer.ts';
import { encodeControllerMessage } from '../../shared/rpc/controller-codec.ts';
import type { RoutesAck } from '../../shared/rpc/messages.ts';
import type { WireControllerMessage } from '../../shared/rpc/service.ts';
import { noteEvent } from '../store/note-event.ts';
import type { RunningRow } from '../domain/assignments.ts';
import type { Store } from '../store/port.ts';
import type { AgentSession } from './agent-session.ts';
import type { TableLine } from './fit-table.ts';
import { peerOf, tableLines, type TableView } from './fleet-table.ts';
import type { NodeBook } from './node-book.ts';
import { RouteWaits } from './route-waits.ts';
import { TableRoom } from './table-room.ts';

export interface RouteBoardDeps {
  readonly store: Pick<Store, 'routedApps' | 'runningRows' | 'refusedCertificates' | 'addEvent'>;
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
/** Whole tables under way at once: of a large fleet they are large, and as many as there are nodes. */
const WHOLES_AT_ONCE = 32;
/** A slow node holds up the others no longer than this. */
const WHOLE_TURN_MS = 500;

/** The fleet's route table: kept true to database and reports, sent to every agent, waited for. */
export class RouteBoard {
  readonly #deps: RouteBoardDeps;
  readonly #leaving = new Map<AppId, ReadonlySet<InstanceId>>();
  /** Version at which an app's line changed last. */
  readonly #changedAt = new Map<AppId, number>();
  readonly #waits: RouteWaits;
  readonly #wantWhole = new Set<AgentSession>();
  #wholesUnderWay = 0;
  readonly room: TableRoom;
  #table: FleetRoutes;
  /** Unknown until the first look, and after each revocation. */
  #refused: readonly string[] | undefined;
  #whole: WireControllerMessage | undefined;
  #same: { readonly digest: string; readonly message: WireControllerMessage } | undefined;
  #step: WireControllerMessage | undefined;
  #known = false;
  #planned = false;
  #lookTookMs = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(deps: RouteBoardDeps) {
    this.#deps = deps;
    this.#waits = new RouteWaits(deps);
    this.room = new TableRoom((event) => noteEvent({ store: deps.store, log: deps.logger }, event));
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

  /** A node came, went away, or said something: look again soon. */
  nodeChanged(node: NodeId): void {
    this.#waits.changed(node);
    this.wake();
  }

  /** It gets the whole table. */
  async welcome(session: AgentSession): Promise<void> {
    if (session.hello?.takesFleetRoutes !== true) return;
    if (!this.#known) await this.#inTurn(() => this.#look());
    this.#bring(session);
  }

  acknowledged(session: AgentSession, ack: RoutesAck): void {
    const { sent } = session.routes;
    if (sent === undefined || ack.version > sent) {
      session.complain('session.unknown_routes', { version: ack.version });
      return;
    }
    if (ack.refusal === undefined) session.routes.applied = Math.max(session.routes.applied, ack.version);
    else this.#refusedBy(session, ack);
    // A gap is filled with the whole table, without a person.
    session.routes.refusal = ack.refusal?.code === 'SLIP_ROUTES_GAP' ? undefined : ack.refusal;
    this.#waits.answered(session, this.#table.version);
  }

  ended(session: AgentSession): void {
    this.#wantWhole.delete(session);
  }

  /** See `Fleet.routesApplied`. */
  async applied(appId: AppId, signal: AbortSignal, leaving: readonly InstanceId[]): Promise<void> {
    if (leaving.length === 0) this.#leaving.delete(appId);
    else this.#leaving.set(appId, new Set(leaving));
    await this.#inTurn(() => this.#lookAt(appId));
    const version = this.#changedAt.get(appId);
    const late = version === undefined ? [] : await this.#waits.untilTaken(version, signal);
    if (late.length === 0) return;
    const nowMs = this.#deps.clock.monotonicMs();
    const nodes = late.map(({ name, routes, session }) => ({
      name,
      has: routes.applied,
      silentMs: nowMs - (session?.lastSeenAtMs ?? nowMs),
    }));
    this.#deps.logger.warn({ nodes, appId, version }, 'routes.not_applied');
  }

  /** One at a time; a look that fails is tried again with the next change, and the table stays as it is. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(work).catch((error: unknown) => {
      this.#deps.logger.error({ err: error }, 'routes.not_read');
    });
    return this.#turn;
  }

  async #look(): Promise<void> {
    const startedAtMs = this.#deps.clock.monotonicMs();
    const [apps, rows] = [await this.#deps.store.routedApps(), await this.#deps.store.runningRows()];
    this.#refused ??= await this.#deps.store.refusedCertificates(this.#deps.clock.nowMs());
    const byApp = Map.groupBy(rows, (row) => row.appId);
    for (const appId of this.#leaving.keys()) this.#forgetLeft(appId, byApp.get(appId) ?? []);
    this.#publish(apps.flatMap((app) => tableLines(app, byApp.get(app.appId) ?? [], this.#view(app.appId))));
    this.#known = true;
    this.#lookTookMs = this.#deps.clock.monotonicMs() - startedAtMs;
  }

  /** The app alone: what most deploys need, whatever the number of the others. */
  async #lookAt(appId: AppId): Promise<void> {
    if (!this.#known) return this.#look();
    const [apps, rows] = [await this.#deps.store.routedApps(appId), await this.#deps.store.runningRows(appId)];
    const lines = apps.flatMap((app) => tableLines(app, rows, this.#view(appId)));
    this.#publish([...this.room.without(appId), ...lines]);
  }

  /** What has lost its place is not about to lose it any more. */
  #forgetLeft(appId: AppId, rows: readonly RunningRow[]): void {
    const leaving = this.#leaving.get(appId);
    if (!rows.some((row) => leaving?.has(row.instanceId) === true)) this.#leaving.delete(appId);
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

  #publish(lines: readonly TableLine[]): void {
    const members = [...this.#deps.book.all()].filter((node) => node.state !== 'removed');
    const peers = members.map(peerOf).sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
    const refused = this.#refused ?? this.#table.refused;
    const apps = this.room.fit(lines, { peers, refused });
    const next = { epoch: this.#deps.epoch, version: this.#table.version + 1, peers, apps, refused };
    const step = routesBetween(this.#table, next);
    const { removedNodeIds, removedAppIds } = step;
    if ([step.peers, step.apps, removedNodeIds, removedAppIds, step.refused].every((part) => part.length === 0)) return;
    for (const { appId } of step.apps) this.#changedAt.set(appId, next.version);
    for (const appId of removedAppIds) this.#changedAt.set(appId, next.version);
    this.#table = next;
    this.#step = encodeControllerMessage({ kind: 'fleetRoutes', update: step });
    [this.#whole, this.#same] = [undefined, undefined];
    for (const session of this.#deps.sessions()) this.#bring(session);
  }

  /** Sends what the session lacks: the last step, or the whole. One that takes no more now is brought up to date later. */
  #bring(session: AgentSession): void {
    const { routes } = session;
    if (!this.#known || session.hello?.takesFleetRoutes !== true || routes.sent === this.#table.version || routes.full)
      return;
    const message = this.#messageFor(session);
    const isWhole = message === this.#whole;
    if (isWhole && this.#wholesUnderWay >= WHOLES_AT_ONCE) {
      this.#wantWhole.add(session);
      return;
    }
    routes.sent = this.#table.version;
    routes.begun = true;
    routes.full = true;
    session.sendEncoded(message);
    const drained = session.drained();
    if (isWhole) void this.#takeTurn(drained);
    void drained.then(() => {
      routes.full = false;
      this.#bring(session);
    });
  }

  async #takeTurn(drained: Promise<void>): Promise<void> {
    this.#wholesUnderWay += 1;
    const stop = new AbortController();
    await Promise.race([drained, this.#deps.clock.sleep(WHOLE_TURN_MS, stop.signal).catch(() => undefined)]);
    stop.abort();
    this.#wholesUnderWay -= 1;
    const [next] = this.#wantWhole;
    if (next === undefined) return;
    this.#wantWhole.delete(next);
    this.#bring(next);
  }

  #messageFor({ hello, routes }: AgentSession): WireControllerMessage {
    if (routes.sent === this.#table.version - 1 && this.#step !== undefined) return this.#step;
    if (!routes.begun && hello?.fleetRoutesDigest === this.#sameTable().digest) return this.#sameTable().message;
    return (this.#whole ??= encodeControllerMessage({ kind: 'fleetRoutes', update: wholeTable(this.#table) }));
  }

  #sameTable(): { readonly digest: string; readonly message: WireControllerMessage } {
    const digest = this.#same?.digest ?? routesDigest(this.#table);
    return (this.#same ??= {
      digest,
      message: encodeControllerMessage({ kind: 'fleetRoutes', update: sameTable(this.#table, digest) }),
    });
  }

  /** It has another table than we think, or cannot use this one: the whole again, at once the first time. */
  #refusedBy(session: AgentSession, ack: RoutesAck): void {
    const { code, message } = ack.refusal ?? {};
    if (session.offeringAgain.routes) return;
    session.offeringAgain.routes = true;
    this.#deps.logger.warn({ node: session.name, version: ack.version, code, message }, 'session.routes_refused');
    const again = (): void => {
      session.offeringAgain.routes = false;
      session.routes.sent = undefined;
      this.#bring(session);
    };
    const atOnce = code === 'SLIP_ROUTES_GAP' && !session.gapMended;
    session.gapMended ||= atOnce;
    if (atOnce) again();
    else callAfter(this.#deps.clock, this.#deps.refusalRetryMs, () => session.open && again());
  }
}
