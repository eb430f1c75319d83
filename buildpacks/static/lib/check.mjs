// Checks static.json during the build. Prints warnings, one on each line, or an error on stderr when the site cannot be served.
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createGuard } from './credentials.mjs';
import { parseSite, SiteError, variablesOf } from './site.mjs';

function readIfPresent(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function isFolder(path) {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** @returns the warnings. @throws SiteError */
export function checkSite(directory, env) {
  const site = parseSite(
    readIfPresent(join(directory, 'static.json')),
    (path) => readIfPresent(join(directory, path)) !== undefined,
  );
  if (!isFolder(join(directory, site.root)))
    throw new SiteError(`static.json: there is no folder "${site.root}" in the app ("root").`);
  createGuard(site, env, readIfPresent(join(directory, '.htpasswd')));
  const absent = variablesOf(site).filter((name) => env[name] === undefined);
  return [
    ...site.warnings,
    ...absent.map(
      (name) =>
        `static.json uses the variable \${${name}}, which is not set. The app does not start without it: slipway config:set ${name}=…`,
    ),
    ...(site.httpsOnly
      ? [
          'static.json: "https_only" redirects every request to https. This needs a proxy with HTTPS in front of this fleet.',
        ]
      : []),
  ];
}

if (import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  const [directory, envDirectory] = process.argv.slice(2);
  const names = isFolder(envDirectory) ? readdirSync(envDirectory) : [];
  const env = Object.fromEntries(names.map((name) => [name, readFileSync(join(envDirectory, name), 'utf8')]));
  try {
    for (const warning of checkSite(directory, env)) console.log(warning);
  } catch (error) {
    if (!(error instanceof SiteError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
