import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run, runOk } from '../../shared/kit/exec.ts';

const root = join(import.meta.dirname, '../..');
/** The programs of a machine without Node and npm. */
const TOOLS = [
  'sh',
  'dirname',
  'mkdir',
  'stat',
  'awk',
  'sed',
  'grep',
  'id',
  'uname',
  'mktemp',
  'rm',
  'mv',
  'ln',
  'cat',
  'tar',
  'gzip',
];
const FETCHERS = ['curl', 'openssl', 'readlink', 'chmod', 'flock', 'cmp', 'cp'];

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'slipway-bootstrap-'));
  await mkdir(join(dir, 'bin'));
  for (const tool of [...TOOLS, ...FETCHERS]) {
    const found = await run({ file: '/bin/sh', args: ['-c', 'command -v "$1"', 'sh', tool] });
    await symlink(found.stdout.trim(), join(dir, 'bin', tool));
  }
});
after(() => rm(dir, { recursive: true, force: true }));

test('the second bootstrap prints each step, works from any folder, and downloads nothing', async () => {
  const env = { PATH: process.env['PATH'] ?? '', HOME: dir };
  await runOk(run, { file: join(root, 'script/bootstrap'), args: ['--test'], cwd: '/', env });
  const second = await run({ file: join(root, 'script/bootstrap'), args: ['--test'], cwd: '/', env });
  assert.equal(second.code, 0, second.stderr);
  assert.match(second.stdout, /^1\/3 .*\n2\/3 Node: v\d+.*\n3\/3 npm packages: as in the lockfile\nReady\.\n$/);
});

test('a package with another hash than the pinned one is refused, and no file of it stays', async () => {
  const server = createServer((_request, response) => response.end('not the runtime'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const result = await bootstrapCopy('tampered', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    assert.equal(result.code, 1);
    assert.match(result.stderr, /is not the package that this repository pins/);
    assert.deepEqual(await leftIn('tampered'), []);
  } finally {
    server.close();
  }
});

test('an unreachable registry is named, with a hint', async () => {
  const result = await bootstrapCopy('offline', 'http://127.0.0.1:9/');
  assert.equal(result.code, 1);
  assert.match(
    result.stderr,
    /could not download node-linux-\w+ [\d.]+ from http:\/\/127\.0\.0\.1:9\n {2}Check the network/,
  );
  assert.deepEqual(await leftIn('offline'), []);
});

test('an unknown argument changes nothing and shows the usage', async () => {
  const result = await run({ file: join(root, 'script/bootstrap'), args: ['--tset'] });
  assert.equal(result.code, 1);
  assert.match(result.stderr, /unknown argument --tset\n {2}Usage: /);
});

/** Runs bootstrap in a new copy, on a machine without Node, npm and a package manager. */
async function bootstrapCopy(name: string, registry: string): Promise<{ code: number | null; stderr: string }> {
  const copy = join(dir, name);
  await cp(join(root, 'script'), join(copy, 'script'), { recursive: true });
  const env = { PATH: join(dir, 'bin'), HOME: dir, NPM_CONFIG_REGISTRY: registry };
  return run({ file: join(copy, 'script/bootstrap'), args: [], env, timeoutMs: 240_000 });
}

async function leftIn(name: string): Promise<string[]> {
  return (await readdir(join(dir, name, '.tools'))).filter((entry) => entry !== 'bootstrap.lock');
}
