import {
  fullTableUpdate,
  routesDigest,
  unchangedTableUpdate,
  withoutCertificates,
  withoutEdgeSettings,
  type FleetRoutes,
  type RoutesUpdate,
} from '../../shared/domain/fleet-routes.ts';
import { encodeControllerMessage } from '../../shared/rpc/controller-codec.ts';
import type { Hello } from '../../shared/rpc/messages.ts';
import type { WireControllerMessage } from '../../shared/rpc/service.ts';
import type { AgentSession } from './agent-session.ts';

interface UnchangedMessage {
  readonly digest: string;
  readonly message: WireControllerMessage;
}

/** The messages of one version of the route table. Each is encoded once for all sessions. */
export class RouteMessages {
  readonly #table: FleetRoutes;
  /** The difference to the previous version. */
  readonly #delta: WireControllerMessage | undefined;
  #full: WireControllerMessage | undefined;
  readonly #unchanged = new Map<string, UnchangedMessage>();

  constructor(table: FleetRoutes, delta?: RoutesUpdate) {
    this.#table = table;
    this.#delta = delta === undefined ? undefined : encodeControllerMessage({ kind: 'fleetRoutes', update: delta });
  }

  /** What a session lacks: the difference, or the confirmation of the table that the agent has, or the full table. */
  next({ hello, routes }: Pick<AgentSession, 'hello' | 'routes'>): {
    readonly message: WireControllerMessage;
    readonly isFullTable: boolean;
  } {
    if (routes.sent === this.#table.version - 1 && this.#delta !== undefined)
      return { message: this.#delta, isFullTable: false };
    const same = routes.begun ? undefined : this.#sameFor(hello);
    if (same !== undefined) return { message: same, isFullTable: false };
    this.#full ??= encodeControllerMessage({ kind: 'fleetRoutes', update: fullTableUpdate(this.#table) });
    return { message: this.#full, isFullTable: true };
  }

  #sameFor(hello: Hello | undefined): WireControllerMessage | undefined {
    if (hello?.fleetRoutesDigest === undefined) return undefined;
    const { digest, message } = this.#unchangedFor(hello);
    return hello.fleetRoutesDigest === digest ? message : undefined;
  }

  /** An older agent ignores certificates and front proxies in the table, and its digest does not count them. */
  #unchangedFor({ takesCertificates = false, takesEdgeSettings = false }: Hello): UnchangedMessage {
    const ability = `${String(takesCertificates)} ${String(takesEdgeSettings)}`;
    const known = this.#unchanged.get(ability);
    if (known !== undefined) return known;
    const certified = takesCertificates ? this.#table : withoutCertificates(this.#table);
    const digest = routesDigest(takesEdgeSettings ? certified : withoutEdgeSettings(certified));
    const update = unchangedTableUpdate(this.#table, digest);
    const made = { digest, message: encodeControllerMessage({ kind: 'fleetRoutes', update }) };
    this.#unchanged.set(ability, made);
    return made;
  }
}
