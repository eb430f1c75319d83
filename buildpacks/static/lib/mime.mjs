// Content types by file extension. Other files are sent as bytes.
import { extname } from 'node:path';

const TYPES = {
  avif: 'image/avif',
  css: 'text/css; charset=',
  csv: 'text/csv; charset=',
  gif: 'image/gif',
  htm: 'text/html; charset=',
  html: 'text/html; charset=',
  ico: 'image/x-icon',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  js: 'text/javascript; charset=',
  json: 'application/json; charset=',
  map: 'application/json; charset=',
  md: 'text/markdown; charset=',
  mjs: 'text/javascript; charset=',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  ogg: 'audio/ogg',
  otf: 'font/otf',
  pdf: 'application/pdf',
  png: 'image/png',
  svg: 'image/svg+xml',
  ttf: 'font/ttf',
  txt: 'text/plain; charset=',
  wasm: 'application/wasm',
  wav: 'audio/wav',
  webm: 'video/webm',
  webmanifest: 'application/manifest+json',
  webp: 'image/webp',
  woff: 'font/woff',
  woff2: 'font/woff2',
  xml: 'application/xml; charset=',
  zip: 'application/zip',
};

/** The Content-Type for a file name. Texts have this character set. */
export function mimeType(path, encoding) {
  const type = TYPES[extname(path).slice(1).toLowerCase()] ?? 'application/octet-stream';
  return type.endsWith('charset=') ? `${type}${encoding}` : type;
}
