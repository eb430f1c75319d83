import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, relative } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>> | undefined;
  /** Paths below `package/`, beside package.json. */
  readonly files?: Readonly<Record<string, string | Buffer>>;
}

/** An installed package as it was published. */
export async function installedPackage(name: string): Promise<NpmPackage> {
  const folder = join(import.meta.dirname, '../../node_modules', name);
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Pick<
    NpmPackage,
    'name' | 'version' | 'bin'
  >;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  const files = await Promise.all(paths.map(async (path) => [path, await readFile(join(folder, path))] as const));
  return { name: manifest.name, version: manifest.version, bin: manifest.bin, files: Object.fromEntries(files) };
}

export interface NpmRegistry {
  readonly url: string;
  /** Paths asked for, in order. */
  readonly requests: readonly string[];
  /** package-lock.json for an app with these direct dependencies. */
  lockfile(app: string, dependencies: Readonly<Record<string, string>>): string;
  close(): Promise<void>;
}

/** A registry with only these packages, for npm, yarn and pnpm, until closed. */
export async function startNpmRegistry(packages: readonly NpmPackage[], host = '127.0.0.1'): Promise<NpmRegistry> {
  const tarballs = new Map<string, Buffer>();
  for (const one of packages) tarballs.set(tarballPath(one), await packPackage(one));
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '/');
    requests.push(path);
    const tarball = tarballs.get(path);
    const versions = packages.filter((one) => `/${one.name}` === path);
    if (tarball !== undefined) return void response.end(tarball);
    if (versions.length === 0) return void response.writeHead(404).end('{}');
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(packument(versions, url, tarballs)));
  });
  await new Promise<void>((resolve) => void server.listen(0, host, resolve));
  const url = `http://${host}:${(server.address() as AddressInfo).port}`;
  return {
    url,
    requests,
    lockfile: (app, dependencies) => lockfile(app, dependencies, { packages, url, tarballs }),
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

function tarballPath(one: NpmPackage): string {
  return `/${one.name}/-/${one.name.split('/').at(-1)}-${one.version}.tgz`;
}

async function packPackage(one: NpmPackage): Promise<Buffer> {
  const tar = pack();
  const manifest = { name: one.name, version: one.version, main: 'index.js', dependencies: one.dependencies };
  const files = {
    'package.json': JSON.stringify(manifest),
    'index.js': `module.exports = '${one.version}';\n`,
    ...one.files,
  };
  for (const [path, content] of Object.entries(files))
    tar.entry({ name: `package/${path}`, mtime: new Date(0) }, content);
  tar.finalize();
  return buffer(tar.pipe(createGzip()));
}

function integrity(tarball: Buffer): string {
  return `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
}

function packument(versions: readonly NpmPackage[], url: string, tarballs: ReadonlyMap<string, Buffer>): object {
  const dist = (one: NpmPackage): object => ({
    tarball: url + tarballPath(one),
    integrity: integrity(tarballs.get(tarballPath(one))!),
  });
  return {
    name: versions[0]?.name,
    'dist-tags': { latest: versions.at(-1)?.version },
    // Package managers avoid packages that are only a few days old.
    time: Object.fromEntries(versions.map((one) => [one.version, '2020-01-01T00:00:00.000Z'])),
    versions: Object.fromEntries(versions.map((one) => [one.version, { ...one, files: undefined, dist: dist(one) }])),
  };
}

function lockfile(
  app: string,
  dependencies: Readonly<Record<string, string>>,
  from: { packages: readonly NpmPackage[]; url: string; tarballs: ReadonlyMap<string, Buffer> },
): string {
  const locked = from.packages.filter((one) => one.version === (dependencies[one.name] ?? one.version));
  const entries = locked.map((one): [string, object] => [
    `node_modules/${one.name}`,
    {
      version: one.version,
      resolved: from.url + tarballPath(one),
      integrity: integrity(from.tarballs.get(tarballPath(one))!),
      dependencies: one.dependencies,
    },
  ]);
  const root = { name: app, version: '1.0.0', dependencies };
  const lock = { name: app, version: '1.0.0', lockfileVersion: 3, requires: true };
  return JSON.stringify({ ...lock, packages: { '': root, ...Object.fromEntries(entries) } }, null, 2);
}
