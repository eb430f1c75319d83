import type { MeshPeer } from '../../shared/domain/fleet-routes.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import type { AppName } from '../../shared/domain/names.ts';

export interface Backend {
  /** Instance id; names the server in logs and statistics. */
  readonly id: string;
  /** `web.1`, for router lines (dyno=web.1). */
  readonly instanceName: string;
  readonly address: string;
  readonly port: number;
}

export interface AppRoutes {
  readonly app: AppName;
  /** Written to the access log, because another app can get the same name. Absent: no user can read those lines. */
  readonly appId?: AppId | undefined;
  readonly hostnames: readonly string[];
  /** Instances that get new requests. Empty: the app answers 503 with a page that says so. */
  readonly backends: readonly Backend[];
  /** Other nodes that serve it; they get requests while there is no instance here. */
  readonly peers?: readonly MeshPeer[] | undefined;
}

/** A local reverse proxy, level-triggered: it is told the whole truth and finds the difference itself. */
export interface Proxy {
  readonly kind: 'haproxy' | 'fake';
  /**
   * Makes file and running process serve exactly these routes; resolves when they do. In-flight requests
   * and websockets on removed backends go on until `forget`. No request fails because of the change.
   * @param members the nodes whose requests it takes on its mesh port; without a mesh they mean nothing
   * @param refused serials of certificates with which nobody is a member
   * @throws SLIP_PROXY_* (the previous routes stay in force)
   */
  apply(routes: readonly AppRoutes[], members?: readonly MeshPeer[], refused?: readonly string[]): Promise<void>;
  /** Requests and connections still open on a backend, removed ones too. 0 when unknown to the proxy. */
  inFlight(backendId: string): Promise<number>;
  /** Cuts what is left on a removed backend and frees its slot. */
  forget(backendId: string): Promise<void>;
  /** True when the process runs and answers. */
  healthy(): Promise<boolean>;
  /** Ids of the nodes it would send requests to and has not reached for so long. */
  unreachablePeers(forMs: number): Promise<readonly string[]>;
  /** Takes over the node's certificate from its files if it is another one, without a reload. */
  renewCertificate(): Promise<void>;
  /** Starts it if it is not running (it survives the agent), with the routes of the last `apply`; renews its certificate if it is. */
  ensureRunning(): Promise<void>;
  /** Stops the process: quickstart --stop and tests. */
  stop(): Promise<void>;
  /** Folder of the rotating access log (same format as a sandbox's log folder). */
  logDir(): string;
}
