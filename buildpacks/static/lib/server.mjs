// The web process of a static app: HTTP on $PORT, files below the root. No dependencies.
import { createServer } from 'node:http';
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createGuard } from './credentials.mjs';
import { createHandler } from './handler.mjs';
import { parseSite, SiteError } from './site.mjs';

/** Serves a folder; resolves to the listening server. @param env config variables */
export async function serve(directory, port, env = {}) {
  const site = parseSite(
    readIfPresent(join(directory, 'static.json')),
    (path) => readIfPresent(join(directory, path)) !== undefined,
    env,
  );
  const guard = createGuard(site, env, readIfPresent(join(directory, '.htpasswd')));
  const root = realpathSync(join(directory, site.root));
  const server = createServer(createHandler(root, site, guard));
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
  const server = await serve(process.env.HOME ?? process.cwd(), Number(process.env.PORT ?? 8080), process.env);
  process.once('SIGTERM', () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}

if (import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  await main().catch((error) => {
    if (!(error instanceof SiteError)) throw error;
    console.error(error.message);
    process.exit(1);
  });
}
