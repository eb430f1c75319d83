import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  assertSays,
  HELD_S,
  isHeld,
  nothingLeft,
  releaseHeld,
  ServingApp,
  withBuildpack,
} from '../../support/bad-input.ts';
import { eventually } from '../../support/eventually.ts';
import { TestFleet } from '../../support/fleet.ts';
import type { Repository } from '../../support/fleet-user.ts';

const PROCFILE = { Procfile: 'web: python3 -m http.server $PORT\n' };

describe('pushes that run at the same time, end early or have no builder', () => {
  let fleet: TestFleet;
  let app: ServingApp;

  before(async () => {
    fleet = await TestFleet.start({
      controller: { rollout: { settleMs: 100, bakeMs: 100 } },
      agent: { stopTimeoutMs: 1_000 },
    });
    app = await ServingApp.deploy(fleet, 'blog');
  });
  after(() => fleet.stop());

  /** Another working copy of the same app, at the same commit. */
  async function secondCopy(): Promise<Repository> {
    const copy = await fleet.me.repository('second', {});
    await copy.git('fetch', '-q', app.repository.dir, app.commit);
    await copy.git('reset', '-q', '--hard', 'FETCH_HEAD');
    return copy;
  }

  it('lets the second of two pushes to one app wait, names the first, and says what to do if the branch has moved', async () => {
    const first = await app.commitBad({ ...withBuildpack(`echo compiling; sleep ${HELD_S}; true`), ...PROCFILE });
    const second = await secondCopy();
    await second.commit({ 'mine.txt': '1' });
    const pushing = app.repository.startPush('blog');
    await pushing.saw(/compiling/);
    const waiting = second.startPush('blog');
    await waiting.saw(/your push waits/);
    await releaseHeld();
    const late = await waiting.result;
    assert.match(
      late.text,
      new RegExp(`Another push to blog is running \\(commit ${first.slice(0, 7)}\\); your push waits\\.`),
    );
    assert.equal(late.ok, false);
    assert.match(
      late.text,
      new RegExp(`rejected\\].*main moved to ${first.slice(0, 7)} while this push waited; fetch and push again`),
    );
    const { ok, text } = await pushing.result;
    assert.ok(ok, text);
    assert.equal(await app.repository.remoteRef('blog'), first);
    await app.goBack();
  });

  it('lets the waiting push go ahead when the first one fails', async () => {
    await app.commitBad({ ...withBuildpack(`echo compiling; sleep ${HELD_S}; exit 1`), ...PROCFILE });
    const second = await secondCopy();
    const commit = await second.commit({ 'mine.txt': '2' });
    const pushing = app.repository.startPush('blog');
    await pushing.saw(/compiling/);
    const waiting = second.startPush('blog');
    await waiting.saw(/your push waits\./);
    await releaseHeld();
    const { ok, text } = await waiting.result;
    assert.ok(ok, text);
    assert.equal((await pushing.result).ok, false);
    assert.equal(await app.repository.remoteRef('blog'), commit);
    await app.goBack();
  });

  it('builds two apps side by side', async () => {
    const names = ['one', 'two'];
    const pushes = await Promise.all(
      names.map(async (name) => {
        const files = { ...withBuildpack('echo compiling; sleep 1; echo compiled'), ...PROCFILE };
        return (await fleet.me.repository(name, files)).startPush(name);
      }),
    );
    await Promise.all(pushes.map((push) => push.saw(/compiling/)));
    const results = await Promise.all(pushes.map((push) => push.result));
    for (const { ok, text } of results) assert.ok(ok && !text.includes('your push waits'), text);
  });

  it('cancels the build at Ctrl-C, removes its sandbox, and accepts the same commit again', async () => {
    const commit = await app.commitBad({ ...withBuildpack(`echo compiling; sleep ${HELD_S}`), ...PROCFILE });
    const pushing = app.repository.startPush('blog');
    await pushing.saw(/compiling/);
    await eventually('the build sleeps', isHeld);
    pushing.interrupt();
    await eventually('the sandbox is gone', async () => !(await isHeld()));
    assert.equal((await pushing.result).ok, false);
    assert.equal(await app.repository.remoteRef('blog'), app.commit);
    assert.equal((await fleet.site.get('blog')).body, app.body);
    await nothingLeft(fleet);
    const again = app.repository.startPush('blog');
    await again.saw(/compiling/);
    assert.equal((await app.repository.git('rev-parse', 'HEAD')).stdout.trim(), commit);
    again.interrupt();
    await again.result;
    await eventually('the second one is gone as well', async () => !(await isHeld()));
    await eventually('the build is cancelled', async () => {
      const [last] = (await fleet.api('GET', '/apps/blog/builds')) as { state: string }[];
      return last?.state === 'cancelled';
    });
  });

  it('cancels a push that waits for its turn at Ctrl-C', async () => {
    await app.commitBad({ ...withBuildpack(`echo compiling; sleep ${HELD_S}; exit 1`), ...PROCFILE });
    const second = await secondCopy();
    await second.commit({ 'mine.txt': '3' });
    const pushing = app.repository.startPush('blog');
    await pushing.saw(/compiling/);
    const waiting = second.startPush('blog');
    await waiting.saw(/your push waits/);
    waiting.interrupt();
    assert.equal((await waiting.result).ok, false);
    await releaseHeld();
    const first = await pushing.result;
    assertSays(first.text, /exit code 1/, /push again/);
    await app.assertUntouched(first);
  });

  it('refuses a push while no node may build, with the reason of each node', async () => {
    await app.commitBad({ 'new.txt': '0' });
    const refused = async (why: string): Promise<void> => {
      const push = await app.repository.push('blog');
      assert.equal(push.ok, false);
      assert.match(
        push.text,
        new RegExp(
          `^fatal: remote error: No connected node may build this app: [a-z0-9-]+: ${why}\\.\n.*slipway builders`,
        ),
      );
    };
    const [node] = (await fleet.api('GET', '/nodes')) as { name: string }[];
    const [name] = [node?.name ?? ''];
    await fleet.slipway('builders:set', '--require', 'role=build');
    await refused('it has no label role, role=build is required');
    assert.match(
      await fleet.slipway('status'),
      /No connected node can build, so pushes are refused\.\n +slipway builders\n/,
    );
    await fleet.slipway('nodes:label', name, 'role=build');
    await fleet.slipway('nodes:cordon', name);
    await refused('it is cordoned and gets no new builds');
    await fleet.slipway('nodes:uncordon', name);
    const pushed = await app.repository.push('blog');
    assert.ok(pushed.ok, pushed.text);
    assert.match(
      await fleet.slipway('builders'),
      new RegExp(`Only nodes with role=build may build\\.\n${name} +builds\n`),
    );
    assert.match(await fleet.slipway('builders:set', '--any'), /Every node whose agent is set to build may build\./);
    await app.goBack();
  });

  it('refuses a push while no builder is online, before the pack is sent, and makes no app for it', async () => {
    const appNames = async (): Promise<string[]> =>
      ((await fleet.api('GET', '/apps')) as { name: string }[]).map((each) => each.name).sort();
    const before = await appNames();
    await fleet.endAgent('SIGTERM');
    await eventually('the controller knows it', async () =>
      ((await fleet.api('GET', '/nodes')) as { connected: boolean }[]).every(({ connected }) => !connected),
    );
    await app.commitBad({ 'new.txt': '1' });
    for (const name of ['blog', 'another']) {
      const refused = await app.repository.push(name);
      assert.equal(refused.ok, false);
      assert.match(
        refused.text,
        /^fatal: remote error: No builder is connected, so nothing can be built\.\n.*slipway status — then push again/,
      );
    }
    assert.deepEqual(await appNames(), before);
    assert.equal((await fleet.site.get('blog')).body, app.body, 'it serves without its agent');
    await fleet.startAgent();
    const pushed = await app.repository.push('blog');
    assert.ok(pushed.ok, pushed.text);
    assert.equal((await fleet.site.get('blog')).status, 200);
  });
});
