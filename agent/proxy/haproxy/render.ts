import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { compare } from './compare.ts';
import { DEFAULT_PAGE, PAGE_PREFIX } from './own-pages.ts';
import { HEADER_LIMIT_BYTES, ownPageFile, PAGE_FILES } from './pages.ts';
import { proxyPaths, type ProxySettings } from './settings.ts';
import { bindLines, clientLines, forwardedLines, hostLines, proxyProtocolLines } from './render-front.ts';
import { challengeLines, redirectLines, tlsBindLines, UNCERTIFIED, uncertifiedRoute } from './render-https.ts';
import { peerBackend, hopLines, meshDefaults, meshFrontend, routeLines } from './render-mesh.ts';
import { MAINTENANCE_MARK } from '../router-line.ts';
import {
  emptyTable,
  peerPoolName,
  poolName,
  serverName,
  type OwnPage,
  type Pool,
  type SlotTable,
} from './slot-table.ts';

/** Address of a server that is not in use. It is `disabled` as well. */
export const NOWHERE = { address: '127.0.0.1', port: 1 } as const;

/** The backend of an app without instances. (`nbsrv` would give a wrong result in a worker that is being replaced.) */
const NONE = 'none';
const UNKNOWN = 'unknown';

/** Space in each buffer for the headers that the proxy adds. */
const REWRITE_BYTES = 1024;
const HEADERS_MAX = 1000;

/** `host pool_0001/app/id` lines: the backend of each host name. In maintenance, the backend of the page follows. */
export function renderHosts(table: SlotTable): string {
  return mapText(hostEntries(table));
}

/** `pool_0001_s1 web.1/id` lines: the instance of each server, for the access log. */
export function renderInstances(table: SlotTable): string {
  return mapText(instanceEntries(table));
}

export function hostEntries(table: SlotTable): ReadonlyMap<string, string> {
  const entries = table.pools.flatMap((pool) => {
    const ids = [...(pool.appId === undefined ? [] : [pool.appId]), ...(pool.page === undefined ? [] : [pool.page])];
    const target = [targetOf(pool), pool.app, ...ids].join('/');
    return pool.hostnames.map((host) => [host, target] as const);
  });
  return new Map(entries.sort(([a], [b]) => compare(a, b)));
}

/** Instances on this node come first, then other nodes. */
function targetOf(pool: Pool): string {
  if (pool.slots.some((slot) => slot.state === 'active')) return poolName(pool.number);
  return pool.peers.length > 0 ? peerPoolName(pool.number) : NONE;
}

/** `nodeId name` lines: the nodes whose requests the mesh port accepts. */
export function renderMembers(table: SlotTable): string {
  return mapText(memberEntries(table));
}

export function memberEntries(table: SlotTable): ReadonlyMap<string, string> {
  return new Map(table.members);
}

/** `serial -` lines: certificates of the CA of the fleet that are not accepted any more. */
export function renderRefused(table: SlotTable): string {
  return mapText(refusedEntries(table));
}

export function refusedEntries(table: SlotTable): ReadonlyMap<string, string> {
  return new Map(table.refused.map((serial) => [serial, '-']));
}

export function instanceEntries(table: SlotTable): ReadonlyMap<string, string> {
  const entries = table.pools.flatMap((pool) =>
    pool.slots.map(
      ({ number, backend }) => [serverName(pool.number, number), `${backend.instanceName}/${backend.id}`] as const,
    ),
  );
  return new Map(entries.sort(([a], [b]) => compare(a, b)));
}

function mapText(entries: ReadonlyMap<string, string>): string {
  return [...entries].map(([key, value]) => `${key} ${value}\n`).join('');
}

type Layout = Pick<SlotTable, 'poolSize' | 'checked'> & Partial<Pick<SlotTable, 'pages' | 'tls'>>;

/**
 * The hash of everything in the config that the runtime API cannot change: settings, number of backends, list of checked peers, own pages,
 * HTTPS. A process with another hash must be reloaded.
 */
export function layoutHash({ poolSize, checked, pages = [], tls = false }: Layout, settings: ProxySettings): string {
  const nowhere = checked.map(({ nodeId }) => ({ nodeId, ...NOWHERE }));
  const table = { ...emptyTable(poolSize), checked: nowhere, pages, tls };
  const hash = createHash('sha256').update(renderBody(table, settings)).digest('hex').slice(0, 16);
  return tls ? `${hash}${tlsMark(settings)}` : hash;
}

/** The end of the mark of a process that listens on the ports for HTTPS. */
export function tlsMark({ tlsBinds }: Pick<ProxySettings, 'tlsBinds'>): string {
  return `-tls${tlsBinds.map(({ port }) => String(port)).join('-')}`;
}

/** The whole config. Equal inputs give equal bytes. @param list another list of certificates, for a check */
export function renderConfig(table: SlotTable, settings: ProxySettings, list?: string): string {
  const mark = `global\n  description slipway-${layoutHash(table, settings)}\n`;
  return `# Written by slipway-agent; changes made by hand are lost.\n${mark}${renderBody(table, settings, list)}`;
}

function renderBody(table: SlotTable, settings: ProxySettings, list?: string): string {
  const lines = [
    ...globalLines(settings),
    ...defaultLines(settings),
    ...frontendLines(table, settings, list),
    ...meshFrontend(settings, MESH_LOG_FORMAT.replace('INSTANCES', proxyPaths(settings.stateDir).instances)),
    ...pageLines(settings),
    ...(table.tls ? uncertifiedLines(settings) : []),
    ...maintenanceLines(settings, table.pages),
    ...meshDefaults(settings, table.checked),
  ];
  const used = new Map(table.pools.map((pool) => [pool.number, pool]));
  for (let number = 1; number <= table.poolSize; number += 1) {
    lines.push(...backendLines(number, used.get(number), settings), ...peerBackend(settings, number, used.get(number)));
  }
  return `${lines.join('\n')}\n`;
}

function globalLines(settings: ProxySettings): string[] {
  const { runtimeSocket } = proxyPaths(settings.stateDir);
  return [
    '  log stdout len 8192 format raw local0',
    `  stats socket ${runtimeSocket} mode 600 level admin expose-fd listeners`,
    '  stats maxconn 100',
    '  stats timeout 30s',
    `  hard-stop-after ${ms(settings.hardStopAfterMs)}`,
    // Without this, two processes on one port would silently share its connections.
    '  noreuseport',
    '  fd-hard-limit 65536',
    `  tune.bufsize ${String(HEADER_LIMIT_BYTES + REWRITE_BYTES)}`,
    `  tune.maxrewrite ${String(REWRITE_BYTES)}`,
    `  tune.http.maxhdr ${String(HEADERS_MAX)}`,
    // Each certificate is one file.
    '  ssl-load-extra-files none',
    ...(settings.user === undefined ? [] : [`  user ${settings.user.name}`, `  group ${settings.user.group}`]),
  ];
}

function defaultLines(settings: ProxySettings): string[] {
  const pages = proxyPaths(settings.stateDir).pages;
  return [
    'defaults slipway',
    '  mode http',
    '  log global',
    '  option dontlognull',
    '  option redispatch 1',
    '  option idle-close-on-response',
    '  retries 3',
    '  balance leastconn',
    `  timeout connect ${ms(settings.connectTimeoutMs)}`,
    `  timeout client ${ms(settings.idleTimeoutMs)}`,
    `  timeout server ${ms(settings.responseTimeoutMs)}`,
    `  timeout http-request ${ms(settings.requestHeadTimeoutMs)}`,
    `  timeout tunnel ${ms(settings.tunnelTimeoutMs)}`,
    '  timeout client-fin 30s',
    '  timeout tarpit 1s',
    ...Object.entries(PAGE_FILES).map(([status, file]) => `  errorfile ${status} ${join(pages, file)}`),
  ];
}

/** agent/proxy/router-line.ts reads the fields in this order. Text from clients is encoded, and long text comes last. */
const LOG_FORMAT = [
  'slip1 %[var(txn.route),field(2,/,3)] %[srv_name,map_str(INSTANCES,-)] %tsc %ST %B %TR %Tw %Tc %Tr %Ta %[var(txn.proto)] %[var(txn.rid)]',
  '%ci %HM %[var(txn.host),url_enc] %[var(txn.xff),url_enc] \\"%HU\\"',
].join(' ');

/** A forwarded request has the address of its client, not of the forwarding node. */
const MESH_LOG_FORMAT = LOG_FORMAT.replace('%ci', '%[var(txn.client)]');

function frontendLines({ tls }: Pick<SlotTable, 'tls'>, settings: ProxySettings, list?: string): string[] {
  const paths = proxyPaths(settings.stateDir);
  return [
    'frontend web from slipway',
    ...bindLines(settings),
    ...(tls ? tlsBindLines(settings, list ?? paths.certificateList) : []),
    ...proxyProtocolLines(paths),
    '  option forwardfor',
    `  log-format "${LOG_FORMAT.replace('INSTANCES', paths.instances)}"`,
    '  http-request deny deny_status 405 if METH_CONNECT',
    ...hostLines(),
    ...routeLines(paths),
    '  http-request set-var(txn.rid) req.hdr(x-request-id) if { req.hdr(x-request-id) -m reg ^[A-Za-z0-9+/=-]{20,200}$ }',
    '  http-request set-var(txn.rid) uuid() unless { var(txn.rid) -m found }',
    ...clientLines(paths, tls),
    ...challengeLines(paths, tls),
    ...redirectLines(settings),
    ...maintenanceRoute(),
    ...hopLines(settings),
    ...forwardedLines(),
    '  http-request set-header X-Request-Start %[date(0,ms)]',
    '  http-request set-header X-Request-Id %[var(txn.rid)]',
    '  http-request add-header Via "1.1 slipway"',
    ...(tls ? uncertifiedRoute() : []),
    '  use_backend %[var(txn.route),field(1,/)] if { var(txn.route) -m found }',
    `  default_backend ${UNKNOWN}`,
  ];
}

/**
 * The fourth field of a route is the page of an app in maintenance. Only the public port looks at it: a node that does not know of the
 * maintenance yet still gets answers from the instances. The mark in the fourth field is for the log line.
 */
function maintenanceRoute(): string[] {
  const page = 'var(txn.route),field(4,/)';
  return [
    `  acl in_maintenance ${page} -m beg ${PAGE_PREFIX}`,
    `  http-request set-var-fmt(txn.route) "%[${page}]/%[var(txn.route),field(2,/,2)]/${MAINTENANCE_MARK}" if in_maintenance`,
  ];
}

function maintenanceLines(settings: ProxySettings, own: readonly OwnPage[]): string[] {
  const { pages } = proxyPaths(settings.stateDir);
  const answer = '  http-request return status 503 hdr cache-control no-store content-type';
  return [
    `backend ${DEFAULT_PAGE} from slipway`,
    `${answer} text/html file ${join(pages, 'maintenance.html')} if { req.hdr(accept) -m sub text/html }`,
    `${answer} text/plain file ${join(pages, 'maintenance.txt')}`,
    ...own.flatMap(({ name }) => [
      `backend ${name} from slipway`,
      `${answer} "text/html; charset=utf-8" file ${join(pages, ownPageFile(name))}`,
    ]),
  ];
}

/** The pages are in separate backends, so that other requests do not evaluate their rules. */
function pageLines(settings: ProxySettings): string[] {
  const { pages } = proxyPaths(settings.stateDir);
  const page = (status: number, type: string, body: string): string =>
    `  http-request return status ${String(status)} hdr cache-control no-store content-type text/${type} ${body}`;
  const html = 'if { req.hdr(accept) -m sub text/html }';
  return [
    `backend ${UNKNOWN} from slipway`,
    `${page(404, 'html', `file ${join(pages, 'unknown.html')}`)} ${html}`,
    page(404, 'plain', `lf-file ${join(pages, 'unknown.txt')}`),
    `backend ${NONE} from slipway`,
    `${page(503, 'html', `file ${join(pages, 'idle.html')}`)} ${html}`,
    page(503, 'plain', `file ${join(pages, 'idle.txt')}`),
  ];
}

/** Status 421: the server answers, but not for this name over HTTPS. */
function uncertifiedLines(settings: ProxySettings): string[] {
  const { pages } = proxyPaths(settings.stateDir);
  const answer = '  http-request return status 421 hdr cache-control no-store content-type';
  return [
    `backend ${UNCERTIFIED} from slipway`,
    `${answer} text/html file ${join(pages, 'uncertified.html')} if { req.hdr(accept) -m sub text/html }`,
    `${answer} text/plain file ${join(pages, 'uncertified.txt')}`,
  ];
}

function backendLines(number: number, pool: Pool | undefined, settings: ProxySettings): string[] {
  const name = poolName(number);
  const down = `${NOWHERE.address}:${String(NOWHERE.port)} disabled`;
  const head = `backend ${name} from slipway`;
  if (pool === undefined) return [head, `  server-template ${name}_s 1-${String(settings.slotsPerBackend)} ${down}`];
  const lines = [head];
  for (let slot = 1; slot <= pool.slotCount; slot += 1) {
    const active = pool.slots.find((each) => each.number === slot && each.state === 'active')?.backend;
    const where = active === undefined ? down : `${active.address}:${String(active.port)}`;
    lines.push(`  server ${serverName(number, slot)} ${where}`);
  }
  return lines;
}

function ms(value: number): string {
  return `${String(value)}ms`;
}
