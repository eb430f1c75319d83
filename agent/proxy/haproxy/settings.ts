import { join } from 'node:path';
import { isIP } from 'node:net';
import { parseNetwork, showNetwork, startOf } from '../../../shared/domain/ip-network.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';

export interface ProxyBind {
  /** IPv4 or IPv6 address, or `*` for every address of the machine. */
  readonly address: string;
  readonly port: number;
}

export interface HaproxyConfig {
  /** Absolute folder for config, maps, sockets, pid files and access log. At most 80 characters, because of the limit of Unix sockets. */
  readonly stateDir: string;
  readonly binds: readonly ProxyBind[];
  /** Where it answers HTTPS. Empty: it does not. */
  readonly tlsBinds?: readonly ProxyBind[] | undefined;
  /** True when this machine has IPv6: then `*` includes its IPv6 addresses. */
  readonly ipv6?: boolean | undefined;
  /** Addresses or networks (CIDR) of front proxies whose X-Forwarded-Proto and X-Forwarded-Port are trusted. */
  readonly trustedFronts?: readonly string[] | undefined;
  /**
   * Addresses or networks (CIDR) of front proxies that send the address of their client in a PROXY protocol header. A connection from them
   * without this header is closed.
   */
  readonly proxyProtocolFronts?: readonly string[] | undefined;
  /** The address for requests from other nodes. Absent: there is no mesh. */
  readonly mesh?: ProxyBind | undefined;
  /** The program. A name without a folder is looked up in the standard path. */
  readonly haproxy?: string | undefined;
  /** Account of the worker; only with root. Absent: the worker keeps the agent's account. */
  readonly user?: { readonly name: string; readonly group: string } | undefined;
  /** Number of backends that are rendered in advance. It doubles when all are used, which costs a reload. */
  readonly poolSize?: number | undefined;
  /** Server slots of a backend; an app with more instances gets more at run time. */
  readonly slotsPerBackend?: number | undefined;
  /** How long requests of a replaced worker may go on. */
  readonly hardStopAfterMs?: number | undefined;
  readonly minReloadIntervalMs?: number | undefined;
  /** How long `apply` and `ensureRunning` wait for a process that does not answer. */
  readonly startTimeoutMs?: number | undefined;
  /** How long a client may take to send the headers of a request. */
  readonly requestHeadTimeoutMs?: number | undefined;
  /** Time limit for the first byte of a response (H12), and between two bytes of it (H15). */
  readonly responseTimeoutMs?: number | undefined;
  /** How long a client may be silent in a request body or a response (H28). */
  readonly idleTimeoutMs?: number | undefined;
  readonly tunnelTimeoutMs?: number | undefined;
  readonly connectTimeoutMs?: number | undefined;
  /** Limits of the access log: number and size of files. */
  readonly logFiles?: number | undefined;
  readonly logFileBytes?: number | undefined;
}

/** {@link HaproxyConfig} with all defaults. Every value for a file is checked. */
export interface ProxySettings {
  readonly stateDir: string;
  readonly binds: readonly ProxyBind[];
  readonly tlsBinds: readonly ProxyBind[];
  readonly ipv6: boolean;
  readonly trustedFronts: readonly string[];
  readonly proxyProtocolFronts: readonly string[];
  readonly mesh: ProxyBind | undefined;
  readonly haproxy: string;
  readonly user: { readonly name: string; readonly group: string } | undefined;
  readonly poolSize: number;
  readonly slotsPerBackend: number;
  readonly hardStopAfterMs: number;
  readonly minReloadIntervalMs: number;
  readonly startTimeoutMs: number;
  readonly requestHeadTimeoutMs: number;
  readonly responseTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly tunnelTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly logFiles: number;
  readonly logFileBytes: number;
}

/** The time that HAProxy may need for each certificate when it starts. */
export const CERTIFICATE_MS = 10;

const STATE_DIR = /^\/[A-Za-z0-9._/-]{1,79}$/;
const ACCOUNT = /^[a-z_][a-z0-9_-]{0,31}$/;
const PROGRAM = /^[A-Za-z0-9._/+-]{1,200}$/;

const DEFAULTS = {
  haproxy: 'haproxy',
  ipv6: false,
  tlsBinds: [] as readonly ProxyBind[],
  trustedFronts: [] as readonly string[],
  proxyProtocolFronts: [] as readonly string[],
  poolSize: 64,
  slotsPerBackend: 8,
  hardStopAfterMs: 600_000,
  minReloadIntervalMs: 2000,
  startTimeoutMs: 10_000,
  requestHeadTimeoutMs: 30_000,
  responseTimeoutMs: 55_000,
  idleTimeoutMs: 55_000,
  tunnelTimeoutMs: 3_600_000,
  connectTimeoutMs: 5000,
  logFiles: 10,
  logFileBytes: 1_048_576,
} as const;

/** @throws SLIP_PROXY_CONFIG for a value that is not allowed in a config file */
export function resolveSettings(config: HaproxyConfig): ProxySettings {
  // fromEntries loses the type of the keys; only undefined values were removed
  const given = Object.fromEntries(
    Object.entries(config).filter(([, value]) => value !== undefined),
  ) as unknown as HaproxyConfig;
  const settings = { ...DEFAULTS, user: undefined, mesh: undefined, ...given } as ProxySettings;
  requireThat(
    STATE_DIR.test(settings.stateDir),
    'The folder of the proxy has at most 80 letters, digits, dots, dashes and slashes.',
  );
  requireThat(
    PROGRAM.test(settings.haproxy),
    'The path of haproxy has letters, digits, dots, dashes and slashes only.',
  );
  requireThat(settings.binds.length > 0, 'The proxy needs at least one address to listen on.');
  for (const { address, port } of [...allBinds(settings), ...settings.tlsBinds]) {
    requireThat(address === '*' || isIP(address) !== 0, 'The proxy listens on an IP address, or on * for all of them.');
    requireThat(Number.isInteger(port) && port > 0 && port < 65_536, 'The port of the proxy is between 1 and 65535.');
  }
  const user = settings.user;
  requireThat(
    user === undefined || (ACCOUNT.test(user.name) && ACCOUNT.test(user.group)),
    'The account of the proxy is not a valid name.',
  );
  for (const value of Object.values(settings) as readonly unknown[]) {
    requireThat(
      typeof value !== 'number' || (Number.isInteger(value) && value > 0),
      'Sizes and times of the proxy are whole numbers above 0.',
    );
  }
  return Object.freeze({
    ...settings,
    trustedFronts: toNetworks(settings.trustedFronts),
    proxyProtocolFronts: toNetworks(settings.proxyProtocolFronts),
  });
}

/** Earlier versions accepted an address with the prefix of its network. */
function toNetworks(fronts: readonly string[]): readonly string[] {
  return fronts.map((text) => {
    const network = parseNetwork(text);
    requireThat(network !== undefined, 'A trusted front proxy is an IP address or a network such as 10.0.0.0/8.');
    return showNetwork(startOf(network));
  });
}

/** The addresses without which the proxy does not start. */
export function allBinds({ binds, mesh }: Pick<ProxySettings, 'binds' | 'mesh'>): readonly ProxyBind[] {
  return mesh === undefined ? binds : [...binds, mesh];
}

function requireThat(holds: boolean, message: string): asserts holds {
  if (holds) return;
  throw new SlipwayError({
    code: 'SLIP_PROXY_CONFIG',
    message,
    hint: 'Correct the proxy settings of the agent and start it again.',
  });
}

/** Every file of the proxy, by name. */
export interface ProxyPaths {
  readonly config: string;
  readonly hosts: string;
  readonly instances: string;
  readonly members: string;
  readonly refused: string;
  /** Rules of host names for HTTPS. */
  readonly https: string;
  /** Thumbprint of the ACME account. */
  readonly acme: string;
  /** Front proxies, and what they may send. */
  readonly fronts: string;
  /** PEM files of the certificates for clients, and the list of them that HAProxy reads. */
  readonly certificates: string;
  readonly certificateList: string;
  /** For names without a certificate. */
  readonly fallbackCertificate: string;
  /** A list for checks, with the fallback only, because HAProxy needs a millisecond for each certificate. */
  readonly checkList: string;
  /** Key and certificate of this node, and the CA of its fleet. */
  readonly meshCertificate: string;
  readonly meshCa: string;
  readonly state: string;
  readonly check: string;
  readonly runtimeSocket: string;
  readonly masterSocket: string;
  readonly masterPid: string;
  readonly watcherPid: string;
  readonly loggerPid: string;
  readonly pages: string;
  readonly logDir: string;
  /** Between HAProxy and its logger. proxy-watch.sh makes it. */
  readonly logPipe: string;
}

export function proxyPaths(stateDir: string): ProxyPaths {
  const at = (name: string): string => join(stateDir, name);
  return {
    config: at('haproxy.cfg'),
    hosts: at('hosts.map'),
    instances: at('instances.map'),
    members: at('members.map'),
    refused: at('refused.map'),
    https: at('https.map'),
    acme: at('acme.map'),
    fronts: at('fronts.map'),
    certificates: at('certificates'),
    certificateList: at('certificates.list'),
    fallbackCertificate: at('certificates/fallback.pem'),
    checkList: at('check.list'),
    meshCertificate: at('mesh.pem'),
    meshCa: at('mesh-ca.pem'),
    state: at('slots.json'),
    check: at('check.cfg'),
    runtimeSocket: at('admin.sock'),
    masterSocket: at('master.sock'),
    masterPid: at('haproxy.pid'),
    watcherPid: at('watch.pid'),
    loggerPid: at('logger.pid'),
    pages: at('pages'),
    logDir: at('log'),
    logPipe: at('log.fifo'),
  };
}
