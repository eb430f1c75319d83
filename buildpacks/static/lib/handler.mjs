// Answers one request. The order is: https, host, password, redirects, proxies, files.
import { createFileSender } from './files.mjs';
import { findProxy, forward } from './forward.mjs';
import { plain, redirectTo } from './reply.mjs';

const REALM = 'Basic realm="Restricted", charset="UTF-8"';

/** @param guard checks an Authorization header; undefined: the site needs no password */
export function createHandler(root, site, guard) {
  const sendFile = createFileSender(root, site);
  return (request, response) => {
    answer({ site, guard, sendFile }, request, response).catch(() => {
      if (response.headersSent) response.destroy();
      else plain(response, 500, 'Internal Server Error');
    });
  };
}

async function answer({ site, guard, sendFile }, request, response) {
  const url = request.url ?? '/';
  const path = requestPath(url);
  if (path === undefined) return plain(response, 400, 'Bad Request');
  const elsewhere = rightPlace(site, request.headers, url);
  if (elsewhere !== undefined) return redirectTo(response, 301, elsewhere);
  if (guard !== undefined && !guard(request.headers.authorization)) {
    response.setHeader('WWW-Authenticate', REALM);
    return plain(response, 401, 'Unauthorized');
  }
  const redirect = site.redirects.find((rule) => rule.test.test(path));
  if (redirect !== undefined) return redirectTo(response, redirect.value.status, targetOf(redirect.value.url, url));
  const proxy = findProxy(site, path);
  if (proxy !== undefined) return pass(proxy, guard !== undefined, path, request, response);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return plain(response, 405, 'Method Not Allowed');
  }
  return sendFile(request, response, path);
}

/** The decoded absolute path, or undefined if the path is invalid. */
function requestPath(url) {
  try {
    const path = decodeURIComponent(url.split(/[?#]/, 1)[0]);
    return path.startsWith('/') && !path.includes('\0') && !path.includes('\\') ? path : undefined;
  } catch {
    return undefined;
  }
}

/** The same address with https and the canonical host; undefined when the request already uses both. */
function rightPlace(site, headers, url) {
  const isSecure = headers['x-forwarded-proto'] === 'https';
  const host = headers.host ?? '';
  const isRightHost = site.canonicalHost === undefined || host === site.canonicalHost;
  if (isRightHost && (isSecure || !site.httpsOnly)) return undefined;
  return `${isSecure || site.httpsOnly ? 'https' : 'http'}://${site.canonicalHost ?? host}${url}`;
}

/** The target of a redirect, encoded for a header, with the query of the request. */
function targetOf(url, requestUrl) {
  const [, before, fragment] = /^([^#]*)(.*)$/s.exec(encodeTarget(url));
  const at = requestUrl.indexOf('?');
  const query = at < 0 ? '' : requestUrl.slice(at + 1);
  return query === '' ? `${before}${fragment}` : `${before}${before.includes('?') ? '&' : '?'}${query}${fragment}`;
}

/** Encodes invalid characters of an address. Encoded characters stay as they are. */
function encodeTarget(url) {
  return url.replace(/%(?![0-9A-Fa-f]{2})|[^\x21-\x7e]|["<>\\^`{|}]/gu, (character) => encodeURIComponent(character));
}

function pass(proxy, isGuarded, path, request, response) {
  // The origin would resolve `..` to a path outside of the folder that the rule names.
  if (path.split('/').includes('..')) return plain(response, 400, 'Bad Request');
  return forward(proxy, isGuarded, request, response, () => plain(response, 502, 'Bad Gateway'));
}
