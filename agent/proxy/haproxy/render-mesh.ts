import { join } from 'node:path';
import { meshNameOf } from '../../../shared/domain/fleet-routes.ts';
import { proxyPaths, type ProxyPaths, type ProxySettings } from './settings.ts';
import { PEER_POOL_PREFIX, peerPoolName, peerServers, type PeerServer, type Peer, type Pool } from './slot-table.ts';

// The mesh: a separate port accepts requests from other nodes. Requests for apps on other nodes are sent to this port of theirs.
// Both sides prove their identity with a certificate of the fleet.

/** The backend that checks each peer once, whatever the number of its apps. */
export const CHECKS = 'mesh_peers';
/** The backend that checks the machine of each peer: its kernel accepts connections even if its proxy is busy. */
export const REACH = 'mesh_reach';
/** The host name of checks on the mesh port. No app has it. */
const CHECK_HOST = 'mesh.slipway.internal';
/** "Not here, and nothing was done": the request may be sent to another node. Apps may answer this too, with the same meaning. */
const ELSEWHERE = 425;
const CHECK_EVERY_MS = 2_000;
const CHECK_TIMEOUT_MS = 2_000;
/** Failed checks in a row until a peer counts as down. The second check follows soon after the first. */
const CHECK_FALL = 2;
const CHECK_AGAIN_MS = 500;
/** The limit of checks per second that a node sends, however large the fleet is. */
const CHECKS_PER_SECOND = 20;
/**
 * With the TLS handshake. A first packet that is lost is sent again after 1 s, and the handshakes of a busy node wait for its processor. A
 * shorter limit would cut such handshakes off, and their repetition would make the node busier.
 */
export const CONNECT_MS = 3_000;
/**
 * A connection whose other end is silent for this long counts as dead. The kernel of a busy node still answers these probes. They find
 * cases that the checks cannot find: a connection that a firewall dropped, or a node that restarted between two checks.
 */
const KEEPALIVE = { idleS: 4, everyS: 2, probes: 3 } as const;
/** The longest that a request waits for a node whose link is cut, in a fleet of up to 64 nodes: docs/design/0009-mesh.md has the calculation. */
export const LINK_CUT_ANSWER_MS = 20_000;
/** Added to time limits of the forwarding node, so that the serving node reports an error first. */
const PATIENCE_MS = 2_000;
/**
 * A server that is added at run time keeps no idle connection without these options, so each request would cost a TLS handshake. The time is how
 * often the forwarding node closes half of the connections that it does not need.
 */
const KEEP_IDLE = 'pool-max-conn -1 pool-purge-delay 3s';

/** Without session tickets, because no node resumes a session. They would be a quarter of the cost of a handshake. */
const MESH_TLS = 'ssl-min-ver TLSv1.2 no-tls-tickets alpn http/1.1';

/** The mesh port. It refuses requests for apps without an instance on this node, so no request is forwarded twice. */
export function meshFrontend(settings: ProxySettings, logFormat: string): string[] {
  if (settings.mesh === undefined) return [];
  const paths = proxyPaths(settings.stateDir);
  const { address, port } = settings.mesh;
  const { meshCertificate, meshCa } = paths;
  const elsewhere = `http-request return status ${String(ELSEWHERE)} hdr x-slipway-elsewhere 1`;
  const member = `ssl_c_s_dn(cn),map_str(${paths.members})`;
  return [
    'frontend mesh from slipway',
    `  bind ${address}:${String(port)} ssl crt ${meshCertificate} ca-file ${meshCa} verify required ${MESH_TLS}`,
    `  log-format "${logFormat}"`,
    // Longer than the forwarding node keeps a connection without a request, so that no request arrives while this node closes it.
    `  timeout http-keep-alive ${String(settings.idleTimeoutMs)}ms`,
    // An app may close an idle connection at any time. So forwarded requests leave no idle connection to it.
    '  option http-server-close',
    // The certificate is of this fleet, but its node must also be a member. Another node may know a new member earlier, so the request may be tried there.
    `  ${elsewhere} unless { ${member} -m found }`,
    // A revoked certificate is not accepted. Its connection is closed, so that a node with a new certificate connects again.
    `  acl is_former ssl_c_serial,hex,lower,map_str(${paths.refused}) -m found`,
    // A resumed session is not verified again, so its certificate may have expired. No node resumes a session.
    '  acl is_former ssl_fc_is_resumed',
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

/** Headers that the public port adds to and removes from a forwarded request. */
export function hopLines(settings: ProxySettings): string[] {
  const { pages } = proxyPaths(settings.stateDir);
  if (settings.mesh === undefined)
    return ['  http-request del-header x-slipway- -m beg', '  http-response del-header x-slipway- -m beg'];
  return [
    // Only the mesh may set these headers, not clients.
    '  http-request del-header x-slipway- -m beg',
    `  acl from_peer srv_name -m beg ${PEER_POOL_PREFIX}`,
    `  http-response return status 503 hdr cache-control no-store content-type text/plain file ${join(pages, 'idle.txt')} if from_peer { status ${String(ELSEWHERE)} } { res.hdr(x-slipway-elsewhere) -m found }`,
    // The serving node has written the log line, with its instance.
    '  http-response set-log-level silent if from_peer { res.hdr(x-slipway-instance) -m found }',
    '  http-response del-header x-slipway- -m beg',
  ];
}

/** Every peer once, with checks, and the defaults of the peer backends. */
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
    // Not `always`: the first request of a client must use a new connection, because the client cannot repeat it.
    '  http-reuse safe',
    '  option srvtcpka',
    `  srvtcpka-idle ${String(KEEPALIVE.idleS)}s`,
    `  srvtcpka-intvl ${String(KEEPALIVE.everyS)}s`,
    `  srvtcpka-cnt ${String(KEEPALIVE.probes)}`,
    // Retry only if nothing was sent, or if the peer reports that it did nothing.
    `  retry-on conn-failure ${String(ELSEWHERE)}`,
    // A server with a revoked certificate is not that node, so the connection must not be used.
    `  tcp-response content close if { ssl_s_serial,hex,lower,map_str(${proxyPaths(settings.stateDir).refused}) -m found }`,
    `  timeout connect ${String(CONNECT_MS)}ms`,
    `  timeout server ${String(settings.responseTimeoutMs + PATIENCE_MS)}ms`,
  ];
}

function checkEveryMs(peers: number): number {
  return Math.max(CHECK_EVERY_MS, Math.ceil((peers * 1000) / CHECKS_PER_SECOND));
}

/** The longest time from a network failure until the peer counts as down. */
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

/** Options of a server that stands for another node. The file and the runtime API use the same options. */
export function peerServerOptions(
  settings: ProxySettings,
  { peer, isBackup }: Pick<PeerServer, 'peer' | 'isBackup'>,
): string {
  const checkedAs = isBackup ? `backup track ${REACH}/${reachName(peer.nodeId)}` : `track ${CHECKS}/${peer.nodeId}`;
  return `${tlsOf(settings, peer)} ${checkedAs} ${KEEP_IDLE}`;
}

/** Unique over all backends. */
export function reachName(nodeId: string): string {
  return `${nodeId}_reach`;
}

/**
 * A node can only use a certificate with its own name, whatever its address is. TLS sessions are not resumed, because a resumed session would
 * keep its first certificate, which may be revoked now.
 */
function tlsOf({ stateDir }: ProxySettings, { nodeId }: Peer): string {
  const { meshCertificate, meshCa } = proxyPaths(stateDir);
  return `ssl crt ${meshCertificate} ca-file ${meshCa} verify required verifyhost ${meshNameOf(nodeId)} ssl-min-ver TLSv1.2 no-ssl-reuse`;
}
