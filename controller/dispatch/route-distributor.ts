import type { Epoch } from '../../shared/domain/assignment.ts';
import { isSameContent, routesBetween, settingsOf, type FleetRoutes } from '../../shared/domain/fleet-routes.ts';
import type { AppId, CertificateId, InstanceId, NodeId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { Timers } from '../../shared/kit/timer.ts';
import { SerialQueue } from '../../shared/kit/serial-queue.ts';
import type { CertificatesServed, RoutesAck } from '../../shared/rpc/messages.ts';
import { noteEvent } from '../store/note-event.ts';
import type { RunningRow } from '../domain/assignments.ts';
import type { Store } from '../store/port.ts';
import type { AgentSession } from './agent-session.ts';
import { certificateOnNodes } from './certificate-on-nodes.ts';
import { FullTableSlots } from './full-table-slots.ts';
import type { RouteTableRow } from './limit-route-table.ts';
import { meshPeer, routeTableRows, withHttpsRules, type RouteTableInput } from './route-table.ts';
import type { NodeRegistry } from './node-registry.ts';
import type { CertificateOnNode } from './port.ts';
import { RouteMessages } from './route-messages.ts';
import { RouteWaits } from './route-waits.ts';
import { RouteTableCapacity } from './route-table-capacity.ts';
import { ServedCertificates } from './served-certificates.ts';
import { TableCertificates } from './table-certificates.ts';
import { TableSettings } from './table-settings.ts';

export interface RouteDistributorDeps {
  readonly store: Pick<
    Store,
    | ('routedApps' | 'runningRows' | 'refusedCertificates' | 'addEvent' | 'certificates' | 'markServed')
    | 'frontProxies'
    | 'edgeLabels'
  >;
  readonly registry: NodeRegistry;
  readonly sessions: () => readonly AgentSession[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly epoch: Epoch;
  readonly baseDomain: string;
  readonly refusalRetryMs: number;
}

/** Reports come in bursts. Between two full refreshes there is at least this pause, and at least ten times the duration of the last refresh. */
const REFRESH_PAUSE_MS = 20;

/** Builds the fleet's route table from the database and the reports, and sends it to every agent. */
export class RouteDistributor {
  readonly #deps: RouteDistributorDeps;
  readonly #leaving = new Map<AppId, ReadonlySet<InstanceId>>();
  /** The version in which the entry of an app changed last. */
  readonly #changedAt = new Map<AppId, number>();
  readonly #waits: RouteWaits;
  readonly #fullTables: FullTableSlots;
  readonly capacity: RouteTableCapacity;
  /** Which node serves which certificate. */
  readonly served = new ServedCertificates();
  readonly #certificates: TableCertificates;
  readonly #tableSettings: TableSettings;
  #table: FleetRoutes;
  /** Undefined until the first refresh and after each revocation. */
  #refused: readonly string[] | undefined;
  #messages: RouteMessages;
  #isLoaded = false;
  #refreshScheduled = false;
  #refreshDurationMs = 0;
  readonly #queue = new SerialQueue();
  readonly #timers: Timers;

  constructor(deps: RouteDistributorDeps) {
    this.#deps = deps;
    this.#timers = new Timers(deps.clock);
    this.#waits = new RouteWaits(deps);
    this.#certificates = new TableCertificates({ ...deps, onDue: () => this.scheduleRefresh() });
    this.#tableSettings = new TableSettings(deps.store);
    this.#fullTables = new FullTableSlots(deps.clock, (session) => this.#sendUpdate(session));
    this.capacity = new RouteTableCapacity((event) => noteEvent({ store: deps.store, log: deps.logger }, event));
    this.#table = { epoch: deps.epoch, version: 1, peers: [], apps: [], refused: [], certificates: [] };
    this.#messages = new RouteMessages(this.#table);
  }

  /** Ends everything that waits. The sessions end by themselves. */
  close(): void {
    this.#timers.close();
    this.#certificates.close();
  }

  scheduleRefresh(): void {
    if (this.#refreshScheduled) return;
    this.#refreshScheduled = true;
    this.#timers.callAfter(Math.max(REFRESH_PAUSE_MS, this.#refreshDurationMs * 10), () => {
      this.#refreshScheduled = false;
      void this.#enqueue(() => this.#refresh());
    });
  }

  /** The stored certificates, or the stored settings of the proxies, changed. Resolves when the table has the change. */
  async storedChanged(): Promise<void> {
    this.#certificates.forget();
    this.#tableSettings.forget();
    await this.#enqueue(() => this.#refresh());
  }

  async setAcmeThumbprint(thumbprint: string | undefined): Promise<void> {
    this.#certificates.acmeThumbprint = thumbprint;
    // Before the first session, the table is not built yet.
    if (this.#isLoaded) await this.#enqueue(() => this.#refresh());
  }

  /** The fingerprint of a certificate in the table. Undefined: the table does not have it. */
  fingerprintOf(id: CertificateId): string | undefined {
    return this.#table.certificates.find((one) => one.id === id)?.fingerprint;
  }

  /** The nodes that should serve a certificate, and how they serve it. */
  nodesFor(id: CertificateId): readonly CertificateOnNode[] {
    const nodes = [...this.#deps.registry.all()].filter((node) => this.#tableSettings.isEdge(node));
    return certificateOnNodes(nodes, this.served, id);
  }

  certificatesRevoked(): void {
    this.#refused = undefined;
    this.scheduleRefresh();
  }

  /** A node connected, disconnected or sent a report. */
  nodeChanged(node: NodeId): void {
    this.#waits.nodeChanged(node);
    this.scheduleRefresh();
  }

  /** Sends the full table, or confirms the one that the agent has. */
  async sessionStarted(session: AgentSession): Promise<void> {
    if (session.hello?.takesFleetRoutes !== true) return;
    this.served.sessionStarted(session.nodeId);
    if (!this.#isLoaded) await this.#enqueue(() => this.#refresh());
    this.#sendUpdate(session);
  }

  acknowledged(session: AgentSession, ack: RoutesAck): void {
    const { sent } = session.routes;
    if (sent === undefined || ack.version > sent) {
      session.warnOnce('session.unknown_routes', { version: ack.version });
      return;
    }
    if (ack.reason === undefined) session.routes.applied = Math.max(session.routes.applied, ack.version);
    else this.#handleRefused(session, ack);
    // The controller fills a gap by sending the full table, so an operator need not see it.
    session.routes.refusedReason = ack.reason?.code === 'SLIP_ROUTES_GAP' ? undefined : ack.reason;
    this.#waits.answered(session, this.#table.version);
  }

  /** @returns false when the node cannot know this version */
  certificatesServed(session: AgentSession, report: CertificatesServed): boolean {
    const isKnown = report.version <= (session.routes.sent ?? 0);
    if (isKnown) this.served.reported(session.nodeId, report);
    else session.warnOnce('session.unknown_routes', { version: report.version });
    return isKnown;
  }

  sessionEnded(session: AgentSession): void {
    this.#fullTables.leave(session);
  }

  /** See `Fleet.routesApplied`. */
  async waitUntilApplied(appId: AppId, signal: AbortSignal, leaving: readonly InstanceId[]): Promise<void> {
    if (leaving.length === 0) this.#leaving.delete(appId);
    else this.#leaving.set(appId, new Set(leaving));
    await this.#enqueue(() => this.#refreshApp(appId));
    const version = this.#changedAt.get(appId);
    const late = version === undefined ? [] : await this.#waits.untilApplied(version, signal);
    if (late.length === 0) return;
    const nowMs = this.#deps.clock.monotonicMs();
    const nodes = late.map(({ name, routes, session }) => ({
      name,
      has: routes.applied,
      silentMs: nowMs - (session?.lastSeenAtMs ?? nowMs),
    }));
    this.#deps.logger.warn({ nodes, appId, version }, 'routes.not_applied');
  }

  /** One refresh at a time. If one fails, the table stays as it is, and the next change tries again. */
  #enqueue(work: () => Promise<void>): Promise<void> {
    return this.#queue.add(work).catch((error: unknown) => {
      this.#deps.logger.error({ err: error }, 'routes.not_read');
    });
  }

  async #refresh(): Promise<void> {
    const startedAtMs = this.#deps.clock.monotonicMs();
    const [apps, rows] = [await this.#deps.store.routedApps(), await this.#deps.store.runningRows()];
    this.#refused ??= await this.#deps.store.refusedCertificates(this.#deps.clock.nowMs());
    await this.#tableSettings.load();
    await this.#certificates.load();
    await this.#markServed();
    const byApp = Map.groupBy(rows, (row) => row.appId);
    for (const appId of this.#leaving.keys()) this.#clearLeaving(appId, byApp.get(appId) ?? []);
    this.#publish(apps.flatMap((app) => routeTableRows(app, byApp.get(app.appId) ?? [], this.#tableInput(app.appId))));
    this.#isLoaded = true;
    this.#refreshDurationMs = this.#deps.clock.monotonicMs() - startedAtMs;
  }

  /** Redirects to HTTPS begin when every connected node serves the certificate. */
  async #markServed(): Promise<void> {
    await this.#certificates.markServed((id) => {
      if (this.fingerprintOf(id) === undefined) return false;
      const nodes = this.nodesFor(id).filter((node) => node.connected);
      return nodes.length > 0 && nodes.every(({ state }) => state === 'served');
    });
  }

  /** Refreshes one app, so that the cost of a deploy does not grow with the number of apps. */
  async #refreshApp(appId: AppId): Promise<void> {
    if (!this.#isLoaded) return this.#refresh();
    const [apps, rows] = [await this.#deps.store.routedApps(appId), await this.#deps.store.runningRows(appId)];
    const rowsOfApp = apps.flatMap((app) => routeTableRows(app, rows, this.#tableInput(appId)));
    this.#publish([...this.capacity.rowsWithout(appId), ...rowsOfApp]);
  }

  /** Clears the mark when none of the leaving instances exists any more. */
  #clearLeaving(appId: AppId, rows: readonly RunningRow[]): void {
    const leaving = this.#leaving.get(appId);
    if (!rows.some((row) => leaving?.has(row.instanceId) === true)) this.#leaving.delete(appId);
  }

  #tableInput(appId: AppId): RouteTableInput {
    const { registry, baseDomain } = this.#deps;
    return {
      instanceState: (instance) => registry.status(instance)?.state,
      isReady: (instance) => registry.status(instance)?.ready !== false,
      nodeState: (node) => registry.get(node)?.state,
      leaving: this.#leaving.get(appId) ?? new Set(),
      baseDomain,
    };
  }

  #publish(rows: readonly RouteTableRow[]): void {
    const members = [...this.#deps.registry.all()].filter((node) => node.state !== 'removed');
    const peers = members
      .map((node) => meshPeer({ ...node, isEdge: this.#tableSettings.isEdge(node) }))
      .sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
    const refused = this.#refused ?? this.#table.refused;
    const certificates = this.#certificates.select(rows.map(({ entry }) => entry));
    const { acmeThumbprint } = this.#certificates;
    const fixed = { peers, refused, certificates, ...settingsOf({ acmeThumbprint, ...this.#tableSettings.fields() }) };
    const apps = this.capacity.select(withHttpsRules(rows, this.#certificates.secureNames(certificates)), fixed);
    const next = { epoch: this.#deps.epoch, version: this.#table.version + 1, apps, ...fixed };
    const delta = routesBetween(this.#table, next);
    if (isSameContent(this.#table, next, delta)) return;
    for (const { appId } of delta.apps) this.#changedAt.set(appId, next.version);
    for (const appId of delta.removedAppIds) this.#changedAt.set(appId, next.version);
    this.#table = next;
    this.served.tableChanged(delta);
    this.#messages = new RouteMessages(next, delta);
    for (const session of this.#deps.sessions()) this.#sendUpdate(session);
  }

  /** Sends what the session lacks: the last difference or the full table. A session whose stream is full gets it when the stream has drained. */
  #sendUpdate(session: AgentSession): void {
    const { routes } = session;
    if (
      !this.#isLoaded ||
      session.hello?.takesFleetRoutes !== true ||
      routes.sent === this.#table.version ||
      routes.full
    )
      return;
    const { message, isFullTable } = this.#messages.next(session);
    if (isFullTable && !this.#fullTables.isFree(session)) return;
    routes.sent = this.#table.version;
    routes.begun = true;
    routes.full = true;
    session.sendEncoded(message);
    const drained = session.drained();
    if (isFullTable) void this.#fullTables.hold(drained);
    void drained.then(() => {
      routes.full = false;
      this.#sendUpdate(session);
    });
  }

  /** Sends the full table again. This happens at once the first time that the agent reports a gap, and after a pause otherwise. */
  #handleRefused(session: AgentSession, ack: RoutesAck): void {
    const { code, message } = ack.reason ?? {};
    if (session.resendScheduled.routes) return;
    session.resendScheduled.routes = true;
    this.#deps.logger.warn({ node: session.name, version: ack.version, code, message }, 'session.routes_refused');
    const resend = (): void => {
      session.resendScheduled.routes = false;
      session.routes.sent = undefined;
      this.#sendUpdate(session);
    };
    const atOnce = code === 'SLIP_ROUTES_GAP' && !session.gapFilled;
    session.gapFilled ||= atOnce;
    if (atOnce) resend();
    else this.#timers.callAfter(this.#deps.refusalRetryMs, () => session.open && resend());
  }
}
