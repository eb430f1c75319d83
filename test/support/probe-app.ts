import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, runOk } from '../../shared/kit/exec.ts';

/** The app inside the sandbox: one fixed probe for each path. It answers with plain text, and with the code of an error. */
const SERVER = String.raw`
const { execFile, execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const nonce = Math.random().toString(36).slice(2);

const run = (file, ...args) => execFileSync(file, args).toString();
const code = (work) => { try { return work(); } catch (error) { return error.code; } };
const look = (path) => (fs.statSync(path).isDirectory() ? JSON.stringify(fs.readdirSync(path)) : fs.readFileSync(path, 'latin1').slice(0, 4096));

function connect(host, port, timeout) {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port: Number(port), timeout: Number(timeout) });
    const end = (how) => { socket.destroy(); resolve(how); };
    socket.on('connect', () => end('open')).on('timeout', () => end('timeout')).on('error', (error) => end(error.code));
  });
}

/** Allocates blocks until there are none, and frees them. */
function fillBytes(dir) {
  const step = 16 * 1024 * 1024;
  let bytes = 0;
  while (bytes < 8 * 1024 ** 3 && spawnSync('fallocate', ['-o', String(bytes), '-l', String(step), dir + '/fill']).status === 0) bytes += step;
  const rest = code(() => fs.appendFileSync(dir + '/fill', Buffer.alloc(step)));
  fs.rmSync(dir + '/fill', { force: true });
  return bytes + ' ' + rest;
}

/** A busy machine needs longer than an answer may take, so this works in the background. Ask again while it says busy. */
let filled;
async function fillInodes(dir) {
  filled = 'busy';
  fs.mkdirSync(dir + '/many');
  let files = 0;
  let why;
  while (why === undefined && files < 400000) {
    why = code(() => { for (let n = 0; n < 1000; n += 1, files += 1) fs.closeSync(fs.openSync(dir + '/many/' + files, 'w')); });
    await new Promise(setImmediate);
  }
  await new Promise((done) => execFile('rm', ['-r', dir + '/many'], done));
  filled = files + ' ' + why;
}

function eat() {
  const held = [];
  for (;;) held.push(Buffer.alloc(8 * 1024 * 1024, 1));
}

const probes = {
  '/': () => 'nonce=' + nonce,
  '/ps': () => run('ps', '-eo', 'pid=,user=,args='),
  '/id': () => run('id'),
  '/status': () => look('/proc/self/status'),
  '/env': () => JSON.stringify(process.env),
  '/look': ({ path }) => code(() => look(path)),
  '/owner': ({ path }) => code(() => String(fs.statSync(path).uid)),
  '/write': ({ path, text }) => code(() => { fs.writeFileSync(path, text); return fs.readFileSync(path, 'utf8'); }),
  '/connect': ({ host, port, timeout }) => connect(host, port, timeout),
  '/fill-bytes': ({ dir }) => fillBytes(dir),
  '/fill-inodes': ({ dir }) => { if (filled === undefined) fillInodes(dir); return filled; },
  '/eat': eat,
  '/exit': ({ status }) => process.exit(Number(status)),
};

require('node:http').createServer(async (request, response) => {
  const url = new URL(request.url, 'http://app');
  const probe = probes[url.pathname];
  response.end(probe === undefined ? 'no such probe' : String(await probe(Object.fromEntries(url.searchParams))));
}).listen(process.env.PORT);
process.on('SIGTERM', () => process.exit(0));
`;

/** Larger than the images that are copied for each owner, so that idmapped mounts are used where the kernel has them. */
const BALLAST_BYTES = 2 * 1024 * 1024;
const MANIFEST = { name: 'probe', version: '1.0.0', dependencies: { ballast: 'file:ballast-1.0.0.tgz' } };
const LOCKFILE = {
  name: 'probe',
  version: '1.0.0',
  lockfileVersion: 3,
  requires: true,
  packages: { '': MANIFEST, 'node_modules/ballast': { version: '1.0.0', resolved: 'file:ballast-1.0.0.tgz' } },
};

export interface ProbeApp {
  readonly files: Readonly<Record<string, string>>;
  /** Adds binary files to a working copy, with the same bytes for every app. */
  addBallast(dir: string): Promise<void>;
}

/** An app whose paths try to leave the sandbox. It has a dependency that needs no registry. */
export async function makeProbeApp(): Promise<ProbeApp> {
  const ballast = await packBallast();
  return {
    files: {
      'server.js': SERVER,
      'package.json': JSON.stringify(MANIFEST),
      'package-lock.json': JSON.stringify(LOCKFILE),
      Procfile: 'web: node server.js\n',
    },
    addBallast: (dir) => writeFile(join(dir, 'ballast-1.0.0.tgz'), ballast),
  };
}

async function packBallast(): Promise<Buffer> {
  const dir = await mkdtemp(join(tmpdir(), 'slipway-ballast-'));
  try {
    await mkdir(join(dir, 'package'));
    await writeFile(join(dir, 'package', 'package.json'), JSON.stringify({ name: 'ballast', version: '1.0.0' }));
    await writeFile(join(dir, 'package', 'noise'), randomBytes(BALLAST_BYTES));
    await runOk(run, { file: 'tar', args: ['-czf', join(dir, 'ballast.tgz'), '-C', dir, 'package'] });
    return await readFile(join(dir, 'ballast.tgz'));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
