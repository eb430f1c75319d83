import { join } from 'node:path';
import { compare } from './compare.ts';
import { listedNames, wildcardOf } from './listed-names.ts';
import { listenAddresses } from './render-front.ts';
import { proxyPaths, type ProxyBind, type ProxyPaths, type ProxySettings } from './settings.ts';
import type { Pool, PoolHttps, SlotTable, TableCertificate } from './slot-table.ts';

// HTTPS on the public port: certificates, redirects, challenges of the CA, and the page for names without a certificate.

/** The backend with the page for a name without a certificate. */
export const UNCERTIFIED = 'uncertified';
/** Not a host name: tells that a wildcard is in the map, so that other requests need no search for one. */
const ANY_WILDCARD = '*';
const THUMBPRINT = 'thumbprint';
/** The filter of a line that stands for no name. */
const NO_NAME = '!*';
const HTTPS_PORT = 443;
const HTTP_PORT = 80;

/**
 * What happens to a plain request: redirect to HTTPS, to the canonical name with HTTPS, to the canonical name without. After the last two,
 * TO_HTTPS means that an upgrade to a websocket goes to HTTPS with its own name.
 */
const TO_HTTPS = 'h';
const TO_CANONICAL_HTTPS = 'c';
const TO_CANONICAL = 'p';
/** What follows the maximum age of HSTS. */
const SUBDOMAINS = ':s';
const PRELOAD = 'p';
const NONE = '-';
const YES = 'y';

export function renderHttps(table: SlotTable): string {
  return mapText(httpsEntries(table));
}

export function renderAcme(table: SlotTable): string {
  return mapText(acmeEntries(table));
}

export function acmeEntries({ acmeThumbprint }: SlotTable): ReadonlyMap<string, string> {
  return new Map(acmeThumbprint === undefined ? [] : [[THUMBPRINT, acmeThumbprint]]);
}

/**
 * Host name → `plain/https/hsts/canonical/certified`: what happens to a plain request, to one with HTTPS, the header of HSTS, the canonical
 * name, and whether this node has a certificate for the name. Without it, nothing leads to HTTPS.
 */
export function httpsEntries(table: SlotTable): ReadonlyMap<string, string> {
  const certified = new Set(table.tls ? listedNames(table).flatMap(({ names }) => names) : []);
  const entries = new Map<string, string>();
  for (const name of certified) entries.set(name, [NONE, NONE, NONE, NONE, YES].join('/'));
  const known = new Set([...certified, ...table.pools.flatMap(({ hostnames }) => hostnames)]);
  for (const pool of table.pools) {
    for (const host of pool.hostnames) {
      const rule = ruleOf(pool, host, { certified, known });
      if (rule !== undefined) entries.set(host, rule);
    }
  }
  if ([...entries.keys()].some((name) => name.startsWith('*.'))) entries.set(ANY_WILDCARD, NONE);
  return new Map([...entries].sort(([a], [b]) => compare(a, b)));
}

/** `undefined` for a name that needs no entry. */
function ruleOf(
  { https }: Pool,
  host: string,
  { certified, known }: { readonly certified: ReadonlySet<string>; readonly known: ReadonlySet<string> },
): string | undefined {
  const isCertified = (name: string): boolean => certified.has(name);
  if (https !== undefined) return ownRule(https, host, isCertified);
  // A name without rules of its own must not get those of a wildcard name of another app.
  if (isCertified(host)) return [NONE, NONE, NONE, NONE, YES].join('/');
  return known.has(wildcardOf(host)) ? [NONE, NONE, NONE, NONE, NONE].join('/') : undefined;
}

function ownRule(https: PoolHttps, host: string, isCertified: (name: string) => boolean): string {
  const { redirected, canonical = host } = https;
  const isSecure = (name: string): boolean => isCertified(name) && redirected.includes(name);
  // A name over HTTPS leads to the canonical name only if every node serves the certificate of that name.
  const moves = canonical !== host && https.canonicalHttps === true && isCertified(canonical);
  return [
    plainField({ isCanonical: canonical === host, own: isSecure(host), target: isSecure(canonical) }),
    moves ? TO_CANONICAL_HTTPS : NONE,
    isSecure(host) ? hstsField(https) : NONE,
    canonical,
    isCertified(host) ? YES : NONE,
  ].join('/');
}

/** @param rule whether the name is the canonical one, and whether plain requests for it and for its target go to HTTPS */
function plainField(rule: { readonly isCanonical: boolean; readonly own: boolean; readonly target: boolean }): string {
  const own = rule.own ? TO_HTTPS : '';
  if (rule.isCanonical) return own || NONE;
  return `${rule.target ? TO_CANONICAL_HTTPS : TO_CANONICAL}${own}`;
}

function hstsField({ hstsMaxAgeS, hstsIncludeSubdomains, hstsPreload }: PoolHttps): string {
  if (hstsMaxAgeS === undefined) return NONE;
  const scope = hstsIncludeSubdomains === true ? `${SUBDOMAINS}${hstsPreload === true ? PRELOAD : ''}` : '';
  return `${String(hstsMaxAgeS)}${scope}`;
}

function mapText(entries: ReadonlyMap<string, string>): string {
  return [...entries].map(([key, value]) => `${key} ${value}\n`).join('');
}

/** The certificates for HAProxy. Clients without a known name get the first one. */
export function renderCertificateList(table: Pick<SlotTable, 'certificates' | 'pools'>, paths: ProxyPaths): string {
  return [fallbackLine(paths), ...listedCertificates(table).map((each) => certificateLine(each, paths))].join('');
}

/** Each certificate with the names and exclusions of its line in the list. `listedNames` decides them. */
export function listedCertificates(table: Pick<SlotTable, 'certificates' | 'pools'>): readonly TableCertificate[] {
  const listed = listedNames(table);
  return table.certificates.map((certificate, index) => {
    const { names = [], exceptions = [] } = listed[index] ?? {};
    // HAProxy takes the names of the certificate itself for a line without a filter.
    const filters = names.length === 0 ? [NO_NAME] : [...names, ...exceptions.map((name) => `!${name}`)];
    return { ...certificate, names: filters };
  });
}

/** The fallback stands for no name. */
export function fallbackLine({ fallbackCertificate }: ProxyPaths): string {
  return `${fallbackCertificate} ${NO_NAME}\n`;
}

function certificateLine(
  { id, names }: { readonly id: string; readonly names: readonly string[] },
  paths: ProxyPaths,
): string {
  return `${certificateFile(id, paths)} ${names.join(' ')}\n`;
}

export function certificateFile(id: string, { certificates }: Pick<ProxyPaths, 'certificates'>): string {
  return join(certificates, `${id}.pem`);
}

/** @param list the certificates: all of them, or the fallback alone for a check */
export function tlsBindLines({ tlsBinds, ipv6 }: ProxySettings, list: string): string[] {
  const options = `ssl crt-list ${list} alpn h2,http/1.1 ssl-min-ver TLSv1.2 no-tls-tickets`;
  return tlsBinds.flatMap((bind) => listenAddresses(bind, ipv6)).map((each) => `  bind ${each} ${options}`);
}

/**
 * Answers the challenge of every order of the account of the fleet (RFC 8555, 8.3). An encoded path, or one with dots, goes to the app. Headers
 * tell the checks of the controller whether this node answers HTTPS, and which scheme the request had. A front proxy may have changed it.
 */
export function challengeLines({ acme }: ProxyPaths, tls: boolean): string[] {
  const thumbprint = `str(${THUMBPRINT}),map_str(${acme})`;
  const when = `{ path_beg /.well-known/acme-challenge/ } { path -m reg ^/\\.well-known/acme-challenge/[A-Za-z0-9_-]{16,128}$ } { var(txn.route) -m found } { ${thumbprint} -m found }`;
  return [
    `  http-request return status 200 content-type text/plain hdr cache-control no-store hdr x-content-type-options nosniff hdr x-slipway-https ${tls ? 'on' : 'off'} hdr x-slipway-scheme %[ssl_fc,iif(https,http)] lf-string "%[path,field(-1,/)].%[${thumbprint}]" if ${when}`,
  ];
}

/**
 * Redirects to HTTPS and to the canonical name, in one hop. A request that says it came over HTTPS is not redirected to HTTPS, whoever sends
 * it: a front proxy that ends TLS would go round without end. Clients of websockets follow no redirects, so the canonical name is not for them.
 */
export function redirectLines(settings: ProxySettings): string[] {
  const { https } = proxyPaths(settings.stateDir);
  const [tlsPort, port] = [portSuffix(settings.tlsBinds[0], HTTPS_PORT), portSuffix(settings.binds[0], HTTP_PORT)];
  const canonical = 'var(txn.https),field(4,/)';
  const redirect = (to: string, when: string): string =>
    `  http-request redirect location ${to}%[pathq] code 308 if ${when} { path -m beg / }`;
  return [
    `  http-request set-var(txn.https) var(txn.host),map_str(${https})`,
    `  http-request set-var(txn.https) var(txn.host),regsub(^[^.]+,*),map_str(${https}) if !{ var(txn.https) -m found } { str(${ANY_WILDCARD}),map_str(${https}) -m found }`,
    '  acl is_https var(txn.proto) -m str https',
    '  acl is_https req.hdr(x-forwarded-proto) -i https',
    '  acl is_websocket req.hdr(upgrade) -i websocket',
    ...hstsLines(),
    redirect(`https://%[var(txn.host)]${tlsPort}`, `{ var(txn.https) -m beg ${TO_HTTPS} } !is_https`),
    redirect(
      `https://%[var(txn.host)]${tlsPort}`,
      `{ var(txn.https) -m beg ${TO_CANONICAL_HTTPS}${TO_HTTPS} ${TO_CANONICAL}${TO_HTTPS} } !is_https is_websocket`,
    ),
    redirect(
      `https://%[${canonical}]${tlsPort}`,
      `{ var(txn.https) -m beg ${TO_CANONICAL_HTTPS} } !is_https !is_websocket`,
    ),
    redirect(`http://%[${canonical}]${port}`, `{ var(txn.https) -m beg ${TO_CANONICAL} } !is_https !is_websocket`),
    redirect(
      `https://%[${canonical}]${tlsPort}`,
      `{ var(txn.https),field(2,/) -m str ${TO_CANONICAL_HTTPS} } is_https !is_websocket`,
    ),
    redirect(`https://%[${canonical}]`, frontMoves()),
  ];
}

/** A front proxy ends TLS, so its names need no certificate here. Its port is not known. */
function frontMoves(): string {
  return `{ var(txn.https) -m beg ${TO_CANONICAL_HTTPS} ${TO_CANONICAL} } from_front { var(txn.proto) -m str https } !is_websocket`;
}

/** The header of HSTS, in answers to requests over HTTPS. An app that sends the header itself decides. */
function hstsLines(): string[] {
  const field = 'var(txn.https),field(3,/)';
  const header = (end: string, when: string): string =>
    `  http-after-response set-header Strict-Transport-Security "max-age=%[var(txn.hsts),field(1,:)]${end}" if ${when} !{ res.hdr(strict-transport-security) -m found }`;
  return [
    `  http-request set-var(txn.hsts) ${field} if { var(txn.proto) -m str https } { ${field} -m reg ^[0-9] }`,
    header('; includeSubDomains; preload', `{ var(txn.hsts) -m end ${SUBDOMAINS}${PRELOAD} }`),
    header('; includeSubDomains', `{ var(txn.hsts) -m end ${SUBDOMAINS} }`),
    header('', '{ var(txn.hsts) -m found }'),
  ];
}

function portSuffix(bind: ProxyBind | undefined, usual: number): string {
  return bind === undefined || bind.port === usual ? '' : `:${String(bind.port)}`;
}

/** The page for a client with HTTPS whose name has no certificate here. A front proxy may not mind, so its requests reach the app. */
export function uncertifiedRoute(): string[] {
  return [
    `  use_backend ${UNCERTIFIED} if { ssl_fc } { var(txn.route) -m found } !{ var(txn.https),field(5,/) -m str ${YES} } !from_front`,
  ];
}
