// The whole web process of a static app: HTTP on $PORT, files below the root, nothing else. No dependencies.
import { createServer } from 'node:http';
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseSite } from './site.mjs';
import { createFileHandler } from './files.mjs';

/** Serves a folder; resolves to the listening server. */
export function serve(directory, port) {
  const site = parseSite(readIfPresent(join(directory, 'static.json')), (path) => readIfPresent(join(directory, path)) !== undefined);
  const root = realpathSync(join(directory, site.root));
  const server = createServer(createFileHandler(root, site));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '0.0.0.0', () => resolve(server));
  });
}

function readIfPresent(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

async function main() {
  const server = await serve(process.env.HOME ?? process.cwd(), Number(process.env.PORT ?? 8080));
  process.once('SIGTERM', () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}

if (import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) await main();
