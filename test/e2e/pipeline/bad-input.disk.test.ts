import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { assertSays, HELD_S, releaseHeld, ServingApp, withBuildpack } from '../../support/bad-input.ts';
import { eventually } from '../../support/eventually.ts';
import { TestFleet } from '../../support/fleet.ts';
import { SmallDisk } from '../../support/small-disk.ts';

type DiskName = 'database' | 'repositories' | 'images' | 'builder';

describe('a full disk', () => {
  const dir = mkdtempSync(join(tmpdir(), 'slipway-full-'));
  const disks = new Map<DiskName, SmallDisk>();
  let fleet: TestFleet;
  let app: ServingApp;

  const disk = (name: DiskName): SmallDisk => disks.get(name) ?? assert.fail(name);

  before(async () => {
    disks.set('database', await SmallDisk.mount(join(dir, 'controller'), 64));
    disks.set('repositories', await SmallDisk.mount(join(dir, 'controller/repos'), 64));
    disks.set('images', await SmallDisk.mount(join(dir, 'controller/images'), 256));
    disks.set('builder', await SmallDisk.mount(join(dir, 'agent'), 800));
    fleet = await TestFleet.start({
      controller: { stateDir: join(dir, 'controller'), rollout: { settleMs: 100, bakeMs: 100 } },
      agent: { stateDir: join(dir, 'agent'), stopTimeoutMs: 1_000 },
    });
    app = await ServingApp.deploy(fleet, 'blog');
  });
  afterEach(() => disks.forEach((each) => each.makeRoom()));
  after(async () => {
    await fleet.stop();
    for (const each of [...disks.values()].reverse()) await each.unmount();
    rmSync(dir, { recursive: true, force: true });
  });

  const builds = async (): Promise<{ state: string }[]> =>
    (await fleet.api('GET', '/apps/blog/builds')) as { state: string }[];
  /** Without the refs that keep the commits of releases: the controller writes them after a push has its answer. */
  const objects = (): string[] =>
    readdirSync(join(dir, 'controller/repos'), { recursive: true, encoding: 'utf8' })
      .filter((file) => !file.includes('/refs/slipway'))
      .sort();

  /** Pushes a build that stops in the middle until the disk is full. */
  async function pushFilling(name: DiskName): Promise<{ ok: boolean; text: string }> {
    await app.commitBad({
      ...withBuildpack(`echo compiling; sleep ${HELD_S}; head -c 3000000 /dev/urandom >"$1/big"; sleep 1`),
      Procfile: 'web: python3 -m http.server $PORT\n',
    });
    const pushing = app.repository.startPush('blog');
    await pushing.saw(/compiling/);
    await disk(name).fill();
    await releaseHeld();
    return pushing.result;
  }

  for (const name of ['database', 'repositories', 'images'] as const) {
    it(`under the ${name} refuses a push before its pack is sent, makes no app, and is well again with room`, async () => {
      // The controller removes the mark of a new app after the client has its answer.
      await eventually('the first push has ended', () => !objects().some((file) => file.startsWith('.planned-')));
      const before = [objects(), (await builds()).length];
      await app.commitBad({ 'new.txt': name });
      await disk(name).fill();
      for (const to of ['blog', 'another']) {
        const refused = await app.repository.push(to);
        assert.match(
          refused.text,
          /^fatal: remote error: The disk is full: 0 MB free under .*\nFree some space there and try again; nothing was changed\./,
        );
        await app.assertUntouched(refused);
      }
      disk(name).makeRoom();
      assert.deepEqual([objects(), (await builds()).length], before);
      assert.equal(((await fleet.api('GET', '/apps')) as unknown[]).length, 1);
      await app.recovers();
    });
  }

  it('under the database in the middle of a build releases nothing, and no build stays "running"', async () => {
    const pushed = await pushFilling('database');
    assertSays(
      pushed.text,
      /The controller's disk is full: nothing more can be written to/,
      /Free some space .* nothing was lost/,
    );
    disk('database').makeRoom();
    await app.assertUntouched(pushed);
    await app.recovers();
    assert.deepEqual(new Set((await builds()).map((build) => build.state)), new Set(['succeeded', 'failed']));
  });

  it('under the images in the middle of a build stores no half layer and releases nothing', async () => {
    const pushed = await pushFilling('images');
    assertSays(pushed.text, /The disk is full: 0 MB free under/, /Free some space there/);
    disk('images').makeRoom();
    await app.assertUntouched(pushed);
    await app.recovers();
  });

  it('under the repositories in the middle of a build does not undo a release: its ref follows when there is room', async () => {
    const pushed = await pushFilling('repositories');
    assert.ok(pushed.ok, pushed.text);
    assert.match(pushed.text, /Released v\d+ · live on 1 node/);
    assert.match(pushed.text, / ! {5}The release is live, but the controller could not write refs\/heads\/main/);
    const commit = (await app.repository.git('rev-parse', 'HEAD')).stdout.trim();
    disk('repositories').makeRoom();
    await eventually('the ref has followed', async () => (await app.repository.remoteRef('blog')) === commit);
    await app.goBack();
  });

  it('of the builder refuses a build at once, and the app keeps serving', async () => {
    await app.commitBad({ 'new.txt': 'builder' });
    await disk('builder').fill();
    const refused = await app.repository.push('blog');
    assertSays(
      refused.text,
      /The disk of the builder is full, so it cannot build now/,
      /slipway nodes lists the nodes/,
    );
    disk('builder').makeRoom();
    await app.assertUntouched(refused);
    await app.recovers();
  });

  it('of the builder in the middle of a build is reported by the push', async () => {
    const pushed = await pushFilling('builder');
    assertSays(pushed.text, /The disk of the builder is full, so it cannot build now/, /then push again/);
    disk('builder').makeRoom();
    await app.assertUntouched(pushed);
    await app.recovers();
  });
});
