import type { FrontProxies, Maintenance, MeshPeer } from '../../shared/domain/fleet-routes.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import type { AppName } from '../../shared/domain/names.ts';
import type { EdgeCertificate } from '../certificates/port.ts';

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
  /** Instances that get new requests. Empty: the proxy answers 503 with an error page. */
  readonly backends: readonly Backend[];
  /** Other nodes that serve the app. They get the requests while there is no instance on this node. */
  readonly peers?: readonly MeshPeer[] | undefined;
  /** The proxy answers all requests of clients itself. Requests of other nodes still reach the instances. */
  readonly maintenance?: Maintenance | undefined;
  /** Those of `hostnames` whose plain requests get a redirect to HTTPS. */
  readonly redirected?: readonly string[] | undefined;
  /** For the header Strict-Transport-Security in answers of `redirected` names over HTTPS. Absent: no header. */
  readonly hstsMaxAgeS?: number | undefined;
  readonly hstsIncludeSubdomains?: boolean | undefined;
  readonly hstsPreload?: boolean | undefined;
  /** One of `hostnames`. Requests for the others get a redirect to it. */
  readonly canonical?: string | undefined;
  /** Requests over HTTPS get this redirect too. */
  readonly canonicalHttps?: boolean | undefined;
}

/** Everything that the proxy should serve. */
export interface ProxyRoutes {
  readonly apps: readonly AppRoutes[];
  /** The nodes whose requests it accepts on its mesh port; ignored without a mesh. */
  readonly members?: readonly MeshPeer[] | undefined;
  /** Serials of certificates of nodes that are not accepted. */
  readonly refused?: readonly string[] | undefined;
  /** Certificates for clients. */
  readonly certificates?: readonly EdgeCertificate[] | undefined;
  /** Of the ACME account key of the fleet (RFC 8555, 8.1). With it, the proxy answers the HTTP-01 challenges of all host names. */
  readonly acmeThumbprint?: string | undefined;
  /** It answers no HTTPS, and keeps no files of certificates. */
  readonly plainOnly?: boolean | undefined;
  /** In addition to those of the settings of this node. */
  readonly fronts?: FrontProxies | undefined;
}

/** A certificate that should be served and is not. A former certificate with the same id may still be served. */
export interface UnservedCertificate {
  readonly id: string;
  /** A sentence without its full stop. */
  readonly reason: string;
}

/** A local reverse proxy. It always gets the complete routes and finds the differences itself (level-triggered). */
export interface Proxy {
  readonly kind: 'haproxy' | 'fake';
  /**
   * Makes the files and the running process serve exactly these routes, and resolves when they do. Requests and websockets on removed backends
   * continue until `forget`. No request fails because of the change.
   * @throws SLIP_PROXY_* (the previous routes stay active)
   */
  apply(routes: ProxyRoutes): Promise<void>;
  /** Open requests and connections of a backend, also of a removed one. 0 for an unknown backend. */
  inFlight(backendId: string): Promise<number>;
  /** Closes the open connections of a removed backend and frees its slot. */
  forget(backendId: string): Promise<void>;
  /** True if the process runs and answers. */
  healthy(): Promise<boolean>;
  /** Ids of the peers that were unreachable for at least this time. */
  unreachablePeers(forMs: number): Promise<readonly string[]>;
  /** Loads a changed certificate of the node from its files, without a reload. */
  renewCertificate(): Promise<void>;
  /** Starts the process if it does not run, with the routes of the last `apply`. If it runs, loads a changed certificate. It survives the agent. */
  ensureRunning(): Promise<void>;
  /** Stops the process: quickstart --stop and tests. */
  stop(): Promise<void>;
  /**
   * Writes a line into the access log, behind everything that is logged already.
   * @returns false when nothing writes the log, or when it cannot take the line
   */
  writeLogLine(line: string): Promise<boolean>;
  /** For each process that answers requests: how many lines it could not write to the access log since its start. */
  lostLogLines(): Promise<ReadonlyMap<string, number>>;
  /**
   * Waits until the process has the certificates of the last `apply`, as far as it can have them. `apply` does not wait for them.
   * @returns those that it does not serve
   */
  unservedCertificates(): Promise<readonly UnservedCertificate[]>;
  /** What the node cannot do now, each as a sentence without its full stop: HTTPS, if another program has its port. */
  problems(): readonly string[];
  /** Folder of the rotating access log (same format as a sandbox's log folder). */
  logDir(): string;
}
