import { join } from 'node:path';
import { meshNameOf } from '../../../shared/domain/fleet-routes.ts';
import { proxyPaths, type ProxyPaths, type ProxySettings } from './settings.ts';
import { PEER_POOL_PREFIX, peerPoolName, peerServers, type PeerServer, type Peer, type Pool } from './slot-table.ts';

// The mesh: requests of other nodes come in on a port of its own, and requests for apps that run elsewhere go out to it.
// Both ends prove with a certificate of the fleet that they are the node they should be.

/** The backend in which each peer is checked once, whatever the number of apps it serves. */
export const CHECKS = 'mesh_peers';
/** The backend in which each peer's machine is checked: its kernel accepts a connection however busy its proxy is. */
export const REACH = 'mesh_reach';
/** No app has this name: asked for it, the mesh port says that it would take a request. */
const CHECK_HOST = 'mesh.slipway.internal';
/** "Not here, and nothing was done": another node may be asked. Apps say it too, with the same meaning. */
const ELSEWHERE = 425;
const CHECK_EVERY_MS = 2_000;
const CHECK_TIMEOUT_MS = 2_000;
/** Failed checks in a row until a peer counts as down; the second follows soon after the first. */
const CHECK_FALL = 2;
const CHECK_AGAIN_MS = 500;
/** A node sends no more than so many checks a second, however large the fleet. */
const CHECKS_PER_SECOND = 20;
/** A node that is alive answers much sooner; one that is not must not hold up a request for long. */
export const CONNECT_MS = 1_000;
/**
 * A connection whose other end is silent for this long counts as dead. The kernel of a busy node still answers these probes. They find cases
 * that the checks cannot see: a connection that a firewall dropped, a node that restarted between two checks.
 */
const KEEPALIVE = { idleS: 4, everyS: 2, probes: 3 } as const;
/** The longest that a request waits for a node whose link is cut, in a fleet of up to 64 nodes: docs/design/0009-mesh.md has the calculation. */
export const LINK_CUT_ANSWER_MS = 20_000;
/** So that the node that serves a request says what was wrong with it, not the one that forwards it. */
const PATIENCE_MS = 2_000;

/** The front of the mesh: what is not served by an instance here is turned away, so nothing is forwarded twice. */
export function meshFrontend(settings: ProxySettings, logFormat: string): string[] {
  if (settings.mesh === undefined) return [];
  const paths = proxyPaths(settings.stateDir);
  const { address, port } = settings.mesh;
  const { meshCertificate, meshCa } = paths;
  const elsewhere = `http-request return status ${String(ELSEWHERE)} hdr x-slipway-elsewhere 1`;
  const member = `ssl_c_s_dn(cn),map_str(${paths.members})`;
  return [
    'frontend mesh from slipway',
    `  bind ${address}:${String(port)} ssl crt ${meshCertificate} ca-file ${meshCa} verify required ssl-min-ver TLSv1.2 alpn http/1.1`,
    `  log-format "${logFormat}"`,
    // The certificate is of this fleet; its node must be a member now. A new member may be known to another node first, so the request may be tried elsewhere.
    `  ${elsewhere} unless { ${member} -m found }`,
    // A former certificate is good for nothing. Its connection ends, so that a node that has another one by now comes with that.
    `  acl is_former ssl_c_serial,hex,lower,map_str(${paths.refused}) -m found`,
    '  http-request set-log-level silent if is_former',
    `  ${elsewhere} if is_former`,
    '  http-after-response set-header Connection close if is_former',
    `  acl is_check req.hdr(host) ${CHECK_HOST}`,
    '  http-request set-log-level silent if is_check',
    '  http-request return status 200 if is_check',
    '  http-request set-var(txn.host) req.hdr(host),field(1,:),lower,rtrim(.)',
    ...routeLines(paths),
    '  http-request set-var(txn.client) req.fhdr(x-forwarded-for,-1)',
    '  http-request set-var(txn.xff) req.fhdr(x-forwarded-for,-2)',
    '  http-request set-var(txn.rid) req.hdr(x-request-id)',
    '  http-request set-var(txn.proto) str(http)',
    '  http-request set-var(txn.proto) str(https) if { req.hdr(x-forwarded-proto) https }',
    '  http-request del-header x-slipway- -m beg',
    `  http-request set-header X-Slipway-Hop %[${member}]`,
    '  acl is_here var(txn.route) -m beg pool_',
    '  http-request set-log-level silent unless is_here',
    `  ${elsewhere} unless is_here`,
    '  http-after-response set-header X-Slipway-Instance %[srv_name]',
    '  use_backend %[var(txn.route),field(1,/)]',
  ];
}

/** A wildcard domain stands for one label. */
export function routeLines({ hosts }: Pick<ProxyPaths, 'hosts'>): string[] {
  return [
    `  http-request set-var(txn.route) var(txn.host),map_str(${hosts})`,
    `  http-request set-var(txn.route) var(txn.host),regsub(^[^.]+,*),map_str(${hosts}) unless { var(txn.route) -m found }`,
  ];
}

/** What the public port adds and takes away around a forwarded request. */
export function hopLines(settings: ProxySettings): string[] {
  const { pages } = proxyPaths(settings.stateDir);
  if (settings.mesh === undefined)
    return ['  http-request del-header x-slipway- -m beg', '  http-response del-header x-slipway- -m beg'];
  return [
    // Who writes such a header from outside does not come from the mesh.
    '  http-request del-header x-slipway- -m beg',
    `  acl from_peer srv_name -m beg ${PEER_POOL_PREFIX}`,
    `  http-response return status 503 hdr cache-control no-store content-type text/plain file ${join(pages, 'idle.txt')} if from_peer { status ${String(ELSEWHERE)} } { res.hdr(x-slipway-elsewhere) -m found }`,
    // The node that served it has written the line of the log, with its instance.
    '  http-response set-log-level silent if from_peer { res.hdr(x-slipway-instance) -m found }',
    '  http-response del-header x-slipway- -m beg',
  ];
}

/** Every peer once, checked; and the defaults of the backends that lead to them. */
export function meshDefaults(settings: ProxySettings, checked: readonly Peer[]): string[] {
  if (settings.mesh === undefined) return [];
  const everyMs = checkEveryMs(checked.length);
  const times = [
    `  timeout connect ${String(CHECK_TIMEOUT_MS)}ms`,
    `  timeout check ${String(CHECK_TIMEOUT_MS)}ms`,
    `  default-server inter ${String(everyMs)}ms fastinter ${String(CHECK_AGAIN_MS)}ms fall ${String(CHECK_FALL)} rise 1`,
  ];
  return [
    `backend ${CHECKS} from slipway`,
    '  option httpchk',
    `  http-check send meth GET uri / ver HTTP/1.1 hdr host ${CHECK_HOST}`,
    '  http-check expect status 200',
    ...times,
    ...checked.map(
      (peer) => `  server ${peer.nodeId} ${peer.address}:${String(peer.port)} ${tlsOf(settings, peer)} check`,
    ),
    `backend ${REACH} from slipway`,
    ...times,
    ...checked.map((peer) => `  server ${reachName(peer.nodeId)} ${peer.address}:${String(peer.port)} check`),
    'defaults far from slipway',
    '  option allbackups',
    // Not more: a client's first request goes out on a connection of its own, so that the peer knows it cannot ask for it again.
    '  http-reuse safe',
    '  option srvtcpka',
    `  srvtcpka-idle ${String(KEEPALIVE.idleS)}s`,
    `  srvtcpka-intvl ${String(KEEPALIVE.everyS)}s`,
    `  srvtcpka-cnt ${String(KEEPALIVE.probes)}`,
    // Nothing was sent, or the peer said that it did nothing.
    `  retry-on conn-failure ${String(ELSEWHERE)}`,
    // Who answers with a former certificate of a node is not that node; neither is it on this connection later.
    `  tcp-response content close if { ssl_s_serial,hex,lower,map_str(${proxyPaths(settings.stateDir).refused}) -m found }`,
    `  timeout connect ${String(CONNECT_MS)}ms`,
    `  timeout server ${String(settings.responseTimeoutMs + PATIENCE_MS)}ms`,
  ];
}

function checkEveryMs(peers: number): number {
  return Math.max(CHECK_EVERY_MS, Math.ceil((peers * 1000) / CHECKS_PER_SECOND));
}

/** Longest time from the cut of a link until its peer counts as down. */
export function peerDownAfterMs(peers: number): number {
  return checkEveryMs(peers) + CHECK_FALL * CHECK_TIMEOUT_MS + (CHECK_FALL - 1) * CHECK_AGAIN_MS;
}

export function peerBackend(settings: ProxySettings, number: number, pool: Pool | undefined): string[] {
  if (settings.mesh === undefined) return [];
  const servers = pool === undefined ? [] : peerServers(pool);
  return [
    `backend ${peerPoolName(number)} from far`,
    ...servers.map(
      (server) =>
        `  server ${server.name} ${server.peer.address}:${String(server.peer.port)} ${peerServerOptions(settings, server)}`,
    ),
  ];
}

/** Options of a server of an app that is another node; the same in the file and at run time. */
export function peerServerOptions(
  settings: ProxySettings,
  { peer, isBackup }: Pick<PeerServer, 'peer' | 'isBackup'>,
): string {
  const checkedAs = isBackup ? `backup track ${REACH}/${reachName(peer.nodeId)}` : `track ${CHECKS}/${peer.nodeId}`;
  return `${tlsOf(settings, peer)} ${checkedAs}`;
}

/** Unique over all backends. */
export function reachName(nodeId: string): string {
  return `${nodeId}_reach`;
}

/**
 * A node can show a certificate for its own name only, whatever address it claims. And it shows it in every handshake: a session that
 * is taken up again would go on with the certificate of its beginning, which may be refused by now.
 */
function tlsOf({ stateDir }: ProxySettings, { nodeId }: Peer): string {
  const { meshCertificate, meshCa } = proxyPaths(stateDir);
  return `ssl crt ${meshCertificate} ca-file ${meshCa} verify required verifyhost ${meshNameOf(nodeId)} ssl-min-ver TLSv1.2 no-ssl-reuse`;
}
