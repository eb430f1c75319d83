import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createLayerBuilder } from '../../agent/build/layers/layer-builder.ts';
import { mountResultDisk } from '../../agent/build/result-disk.ts';
import { createImages } from '../../agent/images/images.ts';
import { addressAt, parseCidr } from '../../agent/sandbox/config.ts';
import { DEFAULT_BUILD_LIMITS } from '../../shared/domain/assignment.ts';
import type { Layer } from '../../shared/domain/slug.ts';
import { run, runOk } from '../../shared/kit/exec.ts';
import { HELD_S, isHeld } from '../support/bad-input.ts';
import { createBench, type Bench, type Tree } from '../support/build-bench.ts';
import { freeSubnet } from '../support/free-subnet.ts';
import { FakeTransport, openLab, type Lab } from '../support/image-lab.ts';
import { startNpmRegistry, type NpmRegistry } from '../support/npm-registry.ts';
import { startPythonIndex, type PythonIndex } from '../support/python-index.ts';
import { MB, openSandboxLab, type SandboxLab } from '../support/sandbox-lab.ts';

const uidBase = 0x3800_0000 + randomInt(0, 2000) * 65_536;

/** Builds as they are in production: LXC, squashfs layers, a disk with a limit, and a network that ends at the rules. */
describe('a build in LXC', { concurrency: false }, () => {
  let lab: Lab;
  let sandboxes: SandboxLab;
  let registry: NpmRegistry;
  let index: PythonIndex;
  let bench: Bench;

  before(async () => {
    lab = await openLab('build-lxc');
    const subnet = freeSubnet();
    const host = addressAt(parseCidr(subnet), 1);
    sandboxes = await openSandboxLab('lxc', { subnet, egressAllow: [{ cidr: `${host}/32` }] });
    registry = await startNpmRegistry(
      [
        { name: 'express', version: '4.0.0', dependencies: { leaf: '2.0.0' } },
        { name: 'leaf', version: '2.0.0' },
      ],
      host,
    );
    index = await startPythonIndex([{ name: 'flask', version: '3.0.0', files: { 'flask/__init__.py': '' } }], host);
    const stateDir = join(lab.dir, 'state');
    const images = createImages({ stateDir, mode: 'mount', budgetBytes: 1e10 }, { transport: new FakeTransport() });
    await images.ensureHost();
    const layers = createLayerBuilder({ stateDir }, { images });
    const buildEnv = { NPM_CONFIG_REGISTRY: registry.url, PIP_INDEX_URL: index.url, PIP_TRUSTED_HOST: host };
    const config = { buildEnv, canMount: true, cacheLimit: { bytes: 24 * MB, inodes: 500 } };
    bench = await createBench({ sandbox: sandboxes.sandbox, real: { layers, images }, uidBase, config });
  });
  after(async () => {
    await bench.close();
    await sandboxes.close();
    await registry.close();
    await index.close();
    await lab[Symbol.asyncDispose]();
  });

  const byName = (layers: readonly Layer[]): Record<string, string> =>
    Object.fromEntries(layers.map(({ name, digest }) => [name, digest]));
  const shop = (server: string): Tree => ({
    'package.json': JSON.stringify({
      name: 'shop',
      dependencies: { express: '4.0.0' },
      scripts: { start: 'node server.js' },
    }),
    'package-lock.json': registry.lockfile('shop', { express: '4.0.0' }),
    'server.js': server,
  });
  const custom = (compile: string): Tree => ({
    Procfile: 'web: x',
    '.buildpacks': './bp',
    'bp/bin/detect': '#!/bin/sh\necho Custom\n',
    'bp/bin/compile': `#!/bin/bash\n${compile}\n`,
  });

  it('gives the same layers with the last build mounted below and from nothing', async () => {
    await bench.build(shop('one'));
    const warm = await bench.build(shop('two'));
    assert.match(bench.output(), /Node modules unchanged since the last build/);
    const clean = await bench.build(shop('two'), { app: 'clean' });
    assert.deepEqual(Object.keys(byName(warm.slug.layers)), ['runtime', 'dependencies', 'app']);
    assert.deepEqual(byName(warm.slug.layers), byName(clean.slug.layers));
  });

  it('gives them too after the old folders had to go', async () => {
    const warm = await bench.build({ Procfile: 'web: ./run' });
    const clean = await bench.build({ Procfile: 'web: ./run' }, { app: 'clean3' });
    assert.deepEqual(byName(warm.slug.layers), byName(clean.slug.layers));
  });

  it('may write beside a reused runtime', async () => {
    await bench.build({ 'index.html': 'one' }, { app: 'pages' });
    const warm = await bench.build({ 'index.html': 'two' }, { app: 'pages' });
    const clean = await bench.build({ 'index.html': 'two' }, { app: 'pages2' });
    assert.deepEqual(byName(warm.slug.layers), byName(clean.slug.layers));
  });

  it('installs Python requirements from the index it may reach', async () => {
    const tree = { 'requirements.txt': 'flask==3.0.0\n', Procfile: 'web: flask' };
    const first = await bench.build(tree, { app: 'pyshop' });
    const second = await bench.build(tree, { app: 'pyshop' });
    assert.match(bench.output(), /Requirements unchanged since the last build/);
    assert.deepEqual(byName(first.slug.layers), byName(second.slug.layers));
  });

  it('runs as nobody of this machine, with the folders of the API writable and the rest not', async () => {
    const compile = `id -u; [ "$1" = /app ] && [ "$HOME" = /app ] && touch /app/ok "$2/ok" && echo writable
touch /usr/x 2>/dev/null || echo closed; touch "$3/x" 2>/dev/null || echo config closed; cat "$3/SECRET"`;
    await bench.build(custom(compile), { app: 'whoami', config: { SECRET: 'multi\nline' } });
    assert.match(bench.output(), /1000\nwritable\nclosed\nconfig closed\nmulti\nline/);
  });

  it('is killed for memory, and the limit is named', async () => {
    const limits = { ...DEFAULT_BUILD_LIMITS, memoryBytes: 64 * MB };
    const hog = 'exec /usr/bin/python3 -c "x = []\nwhile True: x.append(bytearray(1024 * 1024))"';
    await assert.rejects(bench.build(custom(hog), { app: 'hog', task: { limits } }), {
      code: 'SLIP_BUILD_OUT_OF_MEMORY',
      message: /64\.0M/,
    });
  });

  it('says that its disk is full, and the next build has room again', async () => {
    const limits = { ...DEFAULT_BUILD_LIMITS, diskBytes: 48 * MB };
    const fill = 'head -c 200M /dev/zero > "$1/big"';
    await assert.rejects(bench.build(custom(fill), { app: 'filler', task: { limits } }), {
      code: 'SLIP_BUILD_DISK_FULL',
    });
    await bench.build(custom('true'), { app: 'filler', task: { limits } });
  });

  const left = 'echo "left: $(ls "$2")"';
  const dropped =
    /^ !     The build cache has more than 24.0M or 500 files, so it was deleted\. The next build starts with an empty cache\.$/m;

  it('finds in its cache what the last one left there, and what has bounds', async () => {
    await bench.build(custom('echo kept >"$2/file"'), { app: 'keeps' });
    assert.doesNotMatch(bench.output(), dropped);
    await bench.runner.settled();
    await bench.build(custom(`${left}; cat "$2/file"; df --output=target "$2" | tail -n 1`), { app: 'keeps' });
    assert.match(bench.output(), /left: file\nkept\n\/run\/slipway-cache\n/);
  });

  for (const [what, fill] of [
    ['bytes', 'head -c 30M /dev/urandom >"$2/big"'],
    ['files', 'touch "$2"/{1..600}'],
  ] as const) {
    it(`ends well with too many ${what} in its cache, says that they are dropped, and the next one starts with an empty cache`, async () => {
      const app = `over${what}`;
      await bench.build(custom(fill), { app });
      assert.match(bench.output(), dropped);
      await bench.build(custom(left), { app });
      assert.match(bench.output(), /left: \n/);
      assert.doesNotMatch(bench.output(), dropped);
    });
  }

  it('that writes into its cache without end fills that and nothing else, is told so, and the next one starts with an empty cache', async () => {
    await assert.rejects(bench.build(custom('cat /dev/zero >"$2/big"'), { app: 'endless' }), {
      code: 'SLIP_BUILD_CACHE_FULL',
    });
    await bench.build(custom(left), { app: 'endless' });
    assert.match(bench.output(), /left: \n/);
  });

  // 60 folders with names of 250 characters: their path is four times as long as one may be.
  const nest = `perl -e 'for (1..60) { mkdir "x" x 250 or die "$!"; chdir "x" x 250 or die "$!" }'`;

  it('that fills the folder of its results fills nothing else, is told so, and what it left goes whole', async () => {
    const fill = (what: string): Promise<unknown> =>
      bench.build(custom(`cd /run/slipway-result/work; ${nest}; ${what}; exit 1`), { app: 'results' });
    for (const what of [
      'fallocate -l 1T a; cat /dev/zero >b',
      'i=0; while : >"$i"; do ((++i)); done',
      'rm -rf ..; cat /dev/zero >/run/slipway-result/b',
    ]) {
      await assert.rejects(fill(what), {
        code: 'SLIP_BUILD_RESULT_FULL',
        message: /The limit is 16\.0M and 1024 files/,
      });
    }
    await bench.runner.settled();
    assert.deepEqual(await readdir(bench.config.tasksDir), []);
  });

  it('leaves nothing when the agent was killed in the middle of it, whatever it had written', async () => {
    const left = join(bench.config.tasksDir, 'killed', 'result');
    await mkdir(left, { recursive: true });
    await mountResultDisk(left, 1000, run);
    await runOk(run, { file: 'sh', args: ['-c', nest], cwd: left });
    // Where nothing can be mounted it lies on the disk of the machine.
    await runOk(run, { file: 'sh', args: ['-c', nest], cwd: dirname(left) });
    await bench.runner.sweep();
    await bench.runner.settled();
    assert.deepEqual(await readdir(bench.config.tasksDir), []);
    bench.runner.checkLeftovers();
  });

  it('is told in whose name bin/release printed too much', async () => {
    const loud = { ...custom('true'), 'bp/bin/release': '#!/bin/sh\nyes "!a !b !c"\n' };
    await assert.rejects(bench.build(loud, { app: 'loud' }), {
      code: 'SLIP_BUILD_BAD_RELEASE_YAML',
      message: 'The output of bin/release of ./bp is larger than 64 kB.',
    });
  });

  it('leaves a sparse file that is refused, and is packed within its own limits', async () => {
    const sparse = custom('truncate -s 1T "$1/big"');
    await assert.rejects(bench.build(sparse, { app: 'sparse' }), {
      code: 'SLIP_BUILD_TREE_TOO_LARGE',
      message: /contains more than 8\.0 GB/,
    });
    const id = sandboxes.spec().id;
    await sandboxes.sandbox.prepare(sandboxes.spec({ id, limits: { ...DEFAULT_BUILD_LIMITS, memoryBytes: 64 * MB } }));
    const [file = '', ...args] = await sandboxes.sandbox.limitedCommand(id, ['python3', '-c', 'bytearray(256 << 20)']);
    assert.equal((await run({ file, args })).signal, 'SIGKILL');
    const [sh = '', ...left] = await sandboxes.sandbox.limitedCommand(id, [
      'sh',
      '-c',
      `sleep ${HELD_S} >/dev/null 2>&1 </dev/null &`,
    ]);
    assert.equal((await run({ file: sh, args: left })).code, 0);
    await sandboxes.sandbox.forget(id);
    assert.equal(await isHeld(), false, 'a helper that an agent left is ended with the sandbox');
  });

  it('is cancelled long before it would end, daemons included', async () => {
    const cancel = new AbortController();
    const onOutput = (text: string): void => {
      if (!text.includes('compiling') || cancel.signal.aborted) return;
      cancel.abort();
    };
    const daemon = '(setsid sleep 3600 &); echo compiling; sleep 3600';
    await assert.rejects(bench.build(custom(daemon), { app: 'slow', signal: cancel.signal, onOutput }), {
      code: 'SLIP_BUILD_CANCELLED',
    });
    await bench.runner.settled();
    assert.deepEqual(await sandboxes.sandbox.list(), []);
  });

  it('is stopped when it hangs', async () => {
    await assert.rejects(bench.build(custom('sleep 300'), { app: 'hang', task: { timeoutMs: 1000 } }), {
      code: 'SLIP_BUILD_TIMEOUT',
    });
  });
});
