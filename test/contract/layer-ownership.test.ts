import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chown, mkdir, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { digestFile } from '../../agent/images/file-digest.ts';
import type { Layer } from '../../shared/domain/slug.ts';
import { run, runOk, start } from '../../shared/kit/exec.ts';
import { eventually } from '../support/eventually.ts';
import { makeImage, mountsBelow, openLab, type Lab } from '../support/image-lab.ts';
import { openImages } from './images.ts';

const APPS = [0x2000_0000, 0x2001_0000] as const;
const TREE = { 'server.js': 'one', 'lib/deep.js': 'two', 'run.sh': { mode: 0o755, dir: true } };

/** The layer below a writable folder of this app, as a sandbox stacks them. */
async function stackOverlay(lab: Lab, lower: string, uidBase: number): Promise<string> {
  const dir = join(lab.dir, `overlay-${uidBase}`);
  for (const name of ['upper', 'work', 'merged']) await mkdir(join(dir, name), { recursive: true });
  await chown(join(dir, 'upper'), uidBase + 1000, uidBase + 1000);
  const options = `lowerdir=${lower},upperdir=${join(dir, 'upper')},workdir=${join(dir, 'work')}`;
  await runOk(run, { file: 'mount', args: ['-t', 'overlay', 'overlay', '-o', options, join(dir, 'merged')] });
  return join(dir, 'merged');
}

async function asApp(uidBase: number, script: string, dir: string): Promise<string> {
  const uid = String(uidBase + 1000);
  const identity = ['--reuid', uid, '--regid', uid, '--clear-groups', '--bounding-set=-all', '--inh-caps=-all'];
  const result = await runOk(run, { file: 'setpriv', args: [...identity, '--', 'sh', '-ec', script], cwd: dir });
  return result.stdout.trim();
}

/** A mount namespace like a sandbox's: a copy of every mount, which follows the host's unmounts. */
async function startMountNamespace(): Promise<AsyncDisposable> {
  const child = start({ file: 'unshare', args: ['--mount', '--propagation', 'slave', '--', 'sleep', '600'] }, 'ignore');
  const ended = once(child, 'exit');
  const ours = await readlink('/proc/self/ns/mnt');
  await eventually('the namespace exists', async () => (await readlink(`/proc/${String(child.pid)}/ns/mnt`)) !== ours);
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function loopsBelow(dir: string): Promise<string> {
  const { stdout } = await run({ file: 'losetup', args: ['--list', '--noheadings', '--output', 'BACK-FILE'] });
  return stdout
    .split('\n')
    .filter((line) => line.startsWith(dir))
    .join();
}

for (const ownership of ['copy', 'auto'] as const) {
  describe(`owner of a layer, ${ownership}`, () => {
    it('is each app itself, from one digest, and each may change what it sees', async () => {
      await using lab = await openLab('owner');
      const { images } = await openImages(lab, { mode: 'mount', ownership });
      const { path, layer } = await makeImage(lab.dir, 'a', TREE);
      await images.adopt(path);
      for (const uidBase of APPS) {
        const lower = await images.mount(layer, uidBase);
        const merged = await stackOverlay(lab, lower, uidBase);
        const script =
          'echo more >> server.js; rm lib/deep.js; mkdir new; mv run.sh ran; chmod 700 ran; stat -c %u server.js lib ran .';
        assert.equal(
          await asApp(uidBase, script, merged),
          Array(4)
            .fill(uidBase + 1000)
            .join('\n'),
        );
        assert.equal(await readFile(join(lower, 'server.js'), 'utf8'), 'one');
      }
      assert.deepEqual(await digestFile(images.path(layer.digest)), {
        digest: layer.digest,
        sizeBytes: layer.sizeBytes,
      });
    });

    it('is root on the node for a shared layer, which is mounted once', async () => {
      await using lab = await openLab('owner');
      const { images, stateDir } = await openImages(lab, { mode: 'mount', ownership });
      const made = await makeImage(lab.dir, 'a', { 'bin/node': Buffer.alloc(2e6, 7) });
      const layer: Layer = { ...made.layer, name: 'runtime', shared: true };
      await images.adopt(made.path);
      const dirs = await Promise.all(APPS.map((uidBase) => images.mount(layer, uidBase)));
      assert.equal(dirs[0], dirs[1]);
      assert.equal((await stat(join(dirs[0]!, 'bin/node'))).uid, 0);
      await images.settled();
      assert.equal((await mountsBelow(join(stateDir, 'mounts'))).length, 1);
    });

    it('has no mount and no loop device when the layer is unused, even if a sandbox was started meanwhile', async () => {
      await using lab = await openLab('owner');
      const { images, stateDir } = await openImages(lab, { mode: 'mount', ownership });
      const { path, layer } = await makeImage(lab.dir, 'a', TREE);
      await images.adopt(path);
      for (const uidBase of APPS) await images.mount(layer, uidBase);
      await using _other = await startMountNamespace();
      await images.collectGarbage(new Set(), new Set());
      assert.deepEqual(await mountsBelow(join(stateDir, 'mounts')), []);
      await eventually('loop devices are free', async () => (await loopsBelow(lab.dir)) === '');
      assert.equal(await images.has(layer.digest), true);
    });

    it('is still readable for a running app after its layer is unmounted', async () => {
      await using lab = await openLab('owner');
      const { images } = await openImages(lab, { mode: 'mount', ownership });
      const { path, layer } = await makeImage(lab.dir, 'a', TREE);
      await images.adopt(path);
      const merged = await stackOverlay(lab, await images.mount(layer, APPS[0]), APPS[0]);
      await images.collectGarbage(new Set(), new Set());
      assert.equal(await readFile(join(merged, 'lib/deep.js'), 'utf8'), 'two');
    });
  });
}

describe('the state folder', () => {
  it('becomes one shared mount, however often it is prepared', async () => {
    await using lab = await openLab('owner');
    const { images, stateDir } = await openImages(lab, { mode: 'mount' });
    await images.ensureHost();
    await images.ensureHost();
    assert.ok((await mountsBelow(stateDir)).length <= 1);
    const lines = (await readFile('/proc/self/mountinfo', 'utf8'))
      .split('\n')
      .filter((line) => line.includes(` ${stateDir} `));
    for (const line of lines) assert.match(line, / shared:\d+/);
  });

  it('uses idmapped mounts on kernels from 6.2 on', async () => {
    await using lab = await openLab('owner');
    const { images } = await openImages(lab, { mode: 'mount', ownership: 'auto' });
    const { stdout } = await runOk(run, { file: 'uname', args: ['-r'] });
    const [major = 0, minor = 0] = stdout.split('.').map((part) => parseInt(part, 10));
    if (major > 6 || (major === 6 && minor >= 6)) assert.equal(images.ownership(), 'idmap');
  });
});
