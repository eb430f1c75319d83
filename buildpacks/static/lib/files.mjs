// One path → one file below the root, or the error page.
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { chooseEncoding, createCompressor, isCompressible } from './compression.mjs';
import { mimeType } from './mime.mjs';
import { end, plain, redirectTo } from './reply.mjs';

// Files that describe how the site is built and started. They are never served.
const PRIVATE_AT_ROOT = new Set(['static.json', 'Procfile', 'app.json']);

/** @param root real path of the folder that is served. @returns a function that answers GET and HEAD for a decoded path */
export function createFileSender(root, site) {
  const send = { encoding: site.encoding, compress: createCompressor() };
  return async (request, response, path) => {
    const found = await findFile(root, site, path, request.url);
    if (found?.redirect !== undefined) return redirectTo(response, 301, found.redirect);
    addHeaders(site, path, response);
    if (found !== undefined) return sendFile(send, request, response, { ...found, status: 200 });
    const page = await fileAt(root, site.errorPage);
    return page === undefined
      ? plain(response, 404, 'Not Found')
      : sendFile(send, request, response, { ...page, status: 404 });
  };
}

function isHidden(path) {
  const segments = path.split('/').filter(Boolean);
  const dotted = segments.some((segment) => segment.startsWith('.') && segment !== '.well-known');
  return dotted || PRIVATE_AT_ROOT.has(segments[0] ?? '');
}

async function findFile(root, site, path, url) {
  if (isHidden(path)) return undefined;
  const direct = await fileAt(root, path);
  if (direct !== undefined) return direct;
  if (await isFolder(root, path)) {
    if (!path.endsWith('/')) return (await fileAt(root, `${path}/index.html`)) && { redirect: withSlash(url) };
    const index = await fileAt(root, `${path}index.html`);
    if (index !== undefined) return index;
  }
  const clean = site.cleanUrls ? await fileAt(root, `${path}.html`) : undefined;
  if (clean !== undefined) return clean;
  const route = site.routes.find((rule) => rule.test.test(path));
  return route === undefined ? undefined : fileAt(root, route.value);
}

/** The address as the browser sent it, with its query. Two slashes at the start would name another host. */
function withSlash(url) {
  const at = url.indexOf('?');
  const path = (at < 0 ? url : url.slice(0, at)).replace(/^\/+/, '/');
  return `${path}/${at < 0 ? '' : url.slice(at)}`;
}

/** A regular file whose real path, with symlinks resolved, is below the root. */
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
    if (rule.test.test(path))
      for (const [name, value] of Object.entries(rule.value)) response.setHeader(name, String(value));
  }
}

async function sendFile({ encoding, compress }, request, response, file) {
  const type = mimeType(file.path, encoding);
  const canVary = isCompressible(type);
  const isPart = request.headers.range !== undefined;
  const chosen = canVary && !isPart ? chooseEncoding(request.headers['accept-encoding'], file.sizeBytes) : undefined;
  const etag = `"${file.sizeBytes.toString(16)}-${file.modified.getTime().toString(16)}${chosen === undefined ? '' : `-${chosen}`}"`;
  response.setHeader('Content-Type', type);
  response.setHeader('Last-Modified', file.modified.toUTCString());
  response.setHeader('ETag', etag);
  if (canVary) addVary(response);
  if (file.status === 200 && isFresh(request.headers, etag, file.modified)) return end(response, 304);
  if (chosen === undefined) return sendBytes(request, response, file, etag);
  const bytes = await compress(file, chosen);
  response.setHeader('Content-Encoding', chosen);
  response.setHeader('Content-Length', bytes.length);
  response.writeHead(file.status);
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

function addVary(response) {
  const given = response.getHeader('Vary');
  response.setHeader('Vary', given === undefined ? 'Accept-Encoding' : `${given}, Accept-Encoding`);
}

function sendBytes(request, response, file, etag) {
  response.setHeader('Accept-Ranges', 'bytes');
  const range =
    file.status === 200 && isSameAs(request.headers['if-range'], etag, file)
      ? parseRange(request.headers.range, file.sizeBytes)
      : undefined;
  if (range === null) {
    response.setHeader('Content-Range', `bytes */${file.sizeBytes}`);
    return plain(response, 416, 'Range Not Satisfiable');
  }
  const { start, end: last } = range ?? { start: 0, end: file.sizeBytes - 1 };
  if (range !== undefined) response.setHeader('Content-Range', `bytes ${start}-${last}/${file.sizeBytes}`);
  response.setHeader('Content-Length', last - start + 1);
  response.writeHead(range === undefined ? file.status : 206);
  if (request.method === 'HEAD' || file.sizeBytes === 0) return response.end();
  createReadStream(file.path, { start, end: last })
    .on('error', () => response.destroy())
    .pipe(response);
}

/** A client may combine parts only of the same version of a file. */
function isSameAs(condition, etag, file) {
  return condition === undefined || condition === etag || condition === file.modified.toUTCString();
}

function isFresh(headers, etag, modified) {
  const match = headers['if-none-match'];
  if (match !== undefined)
    return match.split(',').some((one) => one.trim().replace(/^W\//, '') === etag || one.trim() === '*');
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
