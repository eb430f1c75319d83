// "proxies" of static.json: another server answers the requests below a path.
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** RFC 9110, section 7.6.1: these belong to one connection. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'];
/** These headers get new values for the origin. This server has already answered `expect`. */
const REPLACED = ['host', 'expect'];
/** Longest time without a byte from the origin. */
const ORIGIN_TIMEOUT_MS = 55_000;

/** The rule for a path, or undefined. @param path decoded */
export function findProxy(site, path) {
  return site.proxies.find(({ prefix }) => path.startsWith(prefix));
}

/** Streams the request to the origin and its answer back. @param onFailure called when no answer came */
export function forward(rule, isGuarded, request, response, onFailure) {
  const origin = new URL(rule.origin);
  const send = origin.protocol === 'https:' ? httpsRequest : httpRequest;
  const outgoing = send(
    {
      host: origin.hostname.replace(/^\[|\]$/g, ''),
      port: origin.port === '' ? undefined : Number(origin.port),
      method: request.method,
      path: originPath(rule, origin, request.url),
      headers: requestHeaders(request.headers, origin, isGuarded),
      timeout: ORIGIN_TIMEOUT_MS,
    },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers, []));
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    },
  );
  outgoing.on('timeout', () => outgoing.destroy(new Error('The origin is silent.')));
  outgoing.on('error', () => (response.headersSent ? response.destroy() : onFailure()));
  response.on('close', () => outgoing.destroy());
  request.pipe(outgoing);
}

/** The rest of the path goes below the path of the origin, with the query. */
function originPath(rule, origin, url) {
  const at = url.indexOf('?');
  const path = at < 0 ? url : url.slice(0, at);
  const below = path.slice(encodedLength(path, rule.prefix)).replace(/^\/+/, '');
  return `${origin.pathname.replace(/\/+$/, '')}/${below}${at < 0 ? '' : url.slice(at)}`;
}

/** The length of the prefix in an encoded path. */
function encodedLength(path, prefix) {
  let length = 0;
  for (let decoded = 0; decoded < Buffer.byteLength(prefix) && length < path.length; decoded++)
    length += path[length] === '%' ? 3 : 1;
  return length;
}

/** Removes the password of this site. A body without a length stays chunked, so that it is never read as a request. */
function requestHeaders(headers, origin, isGuarded) {
  const framing = headers['transfer-encoding'] === undefined ? {} : { 'transfer-encoding': 'chunked' };
  return { ...endToEnd(headers, isGuarded ? [...REPLACED, 'authorization'] : REPLACED), ...framing, host: origin.host };
}

function endToEnd(headers, others) {
  const named = String(headers.connection ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  const gone = new Set([...HOP_BY_HOP, ...named, ...others]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !gone.has(name)));
}
