import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run, runOk } from '../../shared/kit/exec.ts';

export interface Wheel {
  readonly name: string;
  readonly version: string;
  readonly files: Readonly<Record<string, string>>;
  /** `console_scripts`: name → `module:function`. */
  readonly scripts?: Readonly<Record<string, string>>;
  /** Names of the required wheels. */
  readonly requires?: readonly string[];
}

const WHEEL_TIME = new Date('2020-01-01T00:00:00Z');
const DEBIAN_PACKAGES = '/usr/lib/python3/dist-packages';

/** Flask and its dependencies, as Debian installs them (script/packages.txt). No test uses a public index. */
export function flaskWheels(): Promise<Wheel[]> {
  const parts = ['werkzeug', 'jinja2', 'markupsafe', 'itsdangerous', 'click'];
  const requires: Readonly<Record<string, readonly string[]>> = {
    flask: parts,
    jinja2: ['markupsafe'],
    werkzeug: ['markupsafe'],
  };
  const program = 'import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]), end="")';
  return Promise.all(
    ['flask', ...parts].map(async (name): Promise<Wheel> => {
      const version = (await runOk(run, { file: '/usr/bin/python3', args: ['-I', '-c', program, name] })).stdout;
      const entries = await readdir(join(DEBIAN_PACKAGES, name), { recursive: true });
      const modules = entries.filter((path) => /\.(py|txt|html)$/.test(path)).map((path) => join(name, path));
      const files = await Promise.all(
        modules.map(async (path) => [path, await readFile(join(DEBIAN_PACKAGES, path), 'utf8')] as const),
      );
      const scripts = name === 'flask' ? { flask: 'flask.cli:main' } : {};
      return { name, version, files: Object.fromEntries(files), requires: requires[name] ?? [], scripts };
    }),
  );
}

export interface PythonIndex {
  readonly url: string;
  readonly requests: readonly string[];
  close(): Promise<void>;
}

/** A "simple" package index with these wheels for pip, until closed. */
export async function startPythonIndex(wheels: readonly Wheel[], host = '127.0.0.1'): Promise<PythonIndex> {
  const files = new Map<string, Buffer>();
  for (const wheel of wheels) files.set(fileName(wheel), await packWheel(wheel));
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '/');
    requests.push(path);
    const file = files.get(path.split('/').at(-1) ?? '');
    if (file !== undefined) return void response.end(file);
    const links = wheels
      .filter(({ name }) => path === `/simple/${name}/`)
      .map((wheel) => `<a href="/files/${fileName(wheel)}">${fileName(wheel)}</a>`);
    response
      .writeHead(links.length > 0 ? 200 : 404, { 'Content-Type': 'text/html' })
      .end(`<html><body>${links.join('')}</body></html>`);
  });
  await new Promise<void>((resolve) => void server.listen(0, host, resolve));
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}/simple`,
    requests,
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

function fileName({ name, version }: Wheel): string {
  return `${name}-${version}-py3-none-any.whl`;
}

/** A wheel is a zip archive. The module zipfile of Python makes it. */
export async function packWheel(wheel: Wheel): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-wheel-'));
  try {
    const info = `${wheel.name}-${wheel.version}.dist-info`;
    const scripts = Object.entries(wheel.scripts ?? {}).map(([name, target]) => `${name} = ${target}\n`);
    const requires = (wheel.requires ?? []).map((name) => `Requires-Dist: ${name}`);
    const content: Record<string, string> = {
      ...wheel.files,
      [`${info}/METADATA`]: [
        'Metadata-Version: 2.1',
        `Name: ${wheel.name}`,
        `Version: ${wheel.version}`,
        ...requires,
        '',
      ].join('\n'),
      [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
      [`${info}/entry_points.txt`]: `[console_scripts]\n${scripts.join('')}`,
    };
    content[`${info}/RECORD`] = [...Object.keys(content), `${info}/RECORD`].map((path) => `${path},,\n`).join('');
    for (const [path, text] of Object.entries(content)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    // The same files make the same archive, byte for byte.
    for (const path of await readdir(folder, { recursive: true }))
      await utimes(join(folder, path), WHEEL_TIME, WHEEL_TIME);
    const tops = [...new Set(Object.keys(content).map((path) => path.split('/')[0] ?? ''))];
    await runOk(run, { file: '/usr/bin/python3', args: ['-m', 'zipfile', '-c', 'out.whl', ...tops], cwd: folder });
    return await readFile(join(folder, 'out.whl'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
