// One request → one file below the root, or a plain error page.
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { mimeType } from './mime.mjs';

// Never content of a site: how it is built and started.
const PRIVATE_AT_ROOT = new Set(['static.json', 'Procfile', 'app.json']);

/** @param root real path of the folder that is served */
export function createFileHandler(root, site) {
  return (request, response) => {
    answer(root, site, request, response).catch(() => {
      if (response.headersSent) response.destroy();
      else plain(response, 500, 'Internal Server Error');
    });
  };
}

async function answer(root, site, request, response) {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return plain(response, 405, 'Method Not Allowed');
  }
  const path = requestPath(request.url ?? '/');
  if (path === undefined) return plain(response, 400, 'Bad Request');
  const redirect = site.redirects.find((rule) => rule.test.test(path));
  if (redirect !== undefined) return redirectTo(response, redirect.value.status ?? 301, redirect.value.url);
  const found = await findFile(root, site, path);
  if (found?.redirect !== undefined) return redirectTo(response, 301, found.redirect);
  addHeaders(site, path, response);
  if (found !== undefined) return sendFile(request, response, found, 200);
  const page = await fileAt(root, site.errorPage);
  return page === undefined ? plain(response, 404, 'Not Found') : sendFile(request, response, page, 404);
}

/** Decoded absolute path, or undefined for what no browser sends. */
function requestPath(url) {
  try {
    const path = decodeURIComponent(url.split(/[?#]/, 1)[0]);
    return path.startsWith('/') && !path.includes('\0') && !path.includes('\\') ? path : undefined;
  } catch {
    return undefined;
  }
}

function isHidden(path) {
  const segments = path.split('/').filter(Boolean);
  const dotted = segments.some((segment) => segment.startsWith('.') && segment !== '.well-known');
  return dotted || PRIVATE_AT_ROOT.has(segments[0] ?? '');
}

async function findFile(root, site, path) {
  if (isHidden(path)) return undefined;
  const direct = await fileAt(root, path);
  if (direct !== undefined) return direct;
  if (await isFolder(root, path)) {
    if (!path.endsWith('/')) return (await fileAt(root, `${path}/index.html`)) && { redirect: `${encodeURI(path.replace(/^\/+/, '/'))}/` };
    const index = await fileAt(root, `${path}index.html`);
    if (index !== undefined) return index;
  }
  const clean = site.cleanUrls ? await fileAt(root, `${path}.html`) : undefined;
  if (clean !== undefined) return clean;
  const route = site.routes.find((rule) => rule.test.test(path));
  return route === undefined ? undefined : fileAt(root, String(route.value));
}

/** A regular file whose real place, symlinks followed, is below the root. */
async function fileAt(root, path) {
  try {
    const real = await realpath(join(root, path));
    if (!real.startsWith(root + sep)) return undefined;
    const facts = await stat(real);
    return facts.isFile() ? { path: real, sizeBytes: facts.size, modified: facts.mtime } : undefined;
  } catch {
    return undefined;
  }
}

async function isFolder(root, path) {
  try {
    const real = await realpath(join(root, path));
    return (real === root || real.startsWith(root + sep)) && (await stat(real)).isDirectory();
  } catch {
    return false;
  }
}

function addHeaders(site, path, response) {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  for (const rule of site.headers) {
    if (rule.test.test(path)) for (const [name, value] of Object.entries(rule.value)) response.setHeader(name, String(value));
  }
}

function sendFile(request, response, file, status) {
  const etag = `"${file.sizeBytes.toString(16)}-${file.modified.getTime().toString(16)}"`;
  response.setHeader('Content-Type', mimeType(file.path));
  response.setHeader('Last-Modified', file.modified.toUTCString());
  response.setHeader('ETag', etag);
  response.setHeader('Accept-Ranges', 'bytes');
  if (status === 200 && isFresh(request.headers, etag, file.modified)) return end(response, 304);
  const range = status === 200 ? parseRange(request.headers.range, file.sizeBytes) : undefined;
  if (range === null) {
    response.setHeader('Content-Range', `bytes */${file.sizeBytes}`);
    return plain(response, 416, 'Range Not Satisfiable');
  }
  const { start, end: last } = range ?? { start: 0, end: file.sizeBytes - 1 };
  if (range !== undefined) response.setHeader('Content-Range', `bytes ${start}-${last}/${file.sizeBytes}`);
  response.setHeader('Content-Length', last - start + 1);
  response.writeHead(range === undefined ? status : 206);
  if (request.method === 'HEAD' || file.sizeBytes === 0) return response.end();
  createReadStream(file.path, { start, end: last })
    .on('error', () => response.destroy())
    .pipe(response);
}

function isFresh(headers, etag, modified) {
  const match = headers['if-none-match'];
  if (match !== undefined) return match.split(',').some((one) => one.trim().replace(/^W\//, '') === etag || one.trim() === '*');
  const since = Date.parse(headers['if-modified-since'] ?? '');
  return Number.isFinite(since) && Math.floor(modified.getTime() / 1000) * 1000 <= since;
}

/** One byte range; undefined: send all; null: not satisfiable. */
function parseRange(header, sizeBytes) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  const start = match[1] === '' ? Math.max(0, sizeBytes - Number(match[2])) : Number(match[1]);
  const end = match[1] === '' || match[2] === '' ? sizeBytes - 1 : Math.min(Number(match[2]), sizeBytes - 1);
  return start > end || start >= sizeBytes ? null : { start, end };
}

function redirectTo(response, status, location) {
  response.setHeader('Location', location);
  return end(response, status);
}

function plain(response, status, text) {
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.writeHead(status);
  response.end(`${text}\n`);
}

function end(response, status) {
  response.writeHead(status);
  response.end();
}
