import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { start } from '../../../shared/kit/exec.ts';
import { eventually } from '../../support/eventually.ts';
import { PRODUCT_DIR, TestFleet } from '../../support/fleet.ts';
import { helloApp, type Repository } from '../../support/fleet-user.ts';

const NOBODY = 65_534;
/** A build that waits until it is cancelled. */
const SLOW = {
  'slow/bin/detect': '#!/bin/sh\necho slow\n',
  'slow/bin/compile': '#!/bin/sh\necho began\nexec sleep 600\n',
  'app.json': '{"buildpacks":[{"url":"./slow"}]}',
};

describe('the commands for the life of an app, on real parts', () => {
  let fleet: TestFleet;
  let hello: Repository;
  before(async () => {
    fleet = await TestFleet.start({
      sandbox: 'process',
      controller: { rollout: { settleMs: 200, bakeMs: 200 } },
      ...(process.getuid?.() === 0 ? { agentUid: NOBODY } : {}),
    });
    hello = await fleet.me.repository('hello', helloApp('1'));
    const pushed = await hello.push('hello');
    assert.ok(pushed.ok, pushed.text);
  });
  after(() => fleet.stop());

  const slipway = (...words: string[]): Promise<string> => fleet.slipway(...words, '-a', 'hello');
  const startSlipway = (...words: string[]) => {
    const env = { PATH: process.env['PATH'] ?? '', SLIPWAY_CONFIG: join(fleet.dir, 'cli.json') };
    const file = join(PRODUCT_DIR, 'bin', 'slipway');
    const child = start({ file, args: [...words, '-a', 'hello'], env }, ['ignore', 'ignore', 'pipe']);
    let text = '';
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    return { child, ended: once(child, 'exit'), said: () => text };
  };
  const answers = (status: number, body: RegExp): Promise<unknown> =>
    eventually(`the proxy answers ${String(status)}`, async () => {
      const answer = await fleet.site.get('hello').catch(() => ({ status: 0, body: '' }));
      return (answer.status === status && body.test(answer.body)) || undefined;
    });

  it('maintenance answers with the page of the owner, and refuses a page that is none', async () => {
    const page = join(fleet.dir, 'later.html');
    await writeFile(page, '<h1>Later</h1>');
    assert.match(await slipway('maintenance:on', '--page', page), /^Enabling maintenance mode for hello\.\.\. done\n/);
    await answers(503, /Later/);
    assert.equal(await slipway('maintenance'), 'on, with a page of 14 bytes\n');
    assert.match(await slipway('maintenance:on', '--page', join(fleet.dir, 'none.html')), /cannot be read/);
    await writeFile(page, '');
    assert.match(await slipway('maintenance:on', '--page', page), /is empty/);
    assert.match(await slipway('maintenance:off'), /^Disabling maintenance mode for hello\.\.\. done\n/);
    await answers(200, /^version=1/);
  });

  it('ps:stop and ps:start end and start the processes, and refuse an unknown type', async () => {
    assert.match(await slipway('ps:stop', 'web'), /^Stopping web on hello\.\.\. done\n/);
    await answers(503, /./);
    assert.match(await slipway('ps:start'), /^Starting web on hello\.\.\. done\n/);
    await answers(200, /^version=1/);
    assert.match(await slipway('ps:stop', 'nothing'), /nothing/);
    await answers(200, /^version=1/);
  });

  it('ps:scale, ps:restart and ps:limits name the deploy that they wait for, and Ctrl-C leaves everything as it is', async () => {
    await hello.commit({ ...helloApp('2'), 'server.js': 'setInterval(() => undefined, 1000);\n' });
    const push = hello.startPush('hello');
    await eventually(
      'the instances start',
      async () => (await slipway('deploy:status')).includes('starting') || undefined,
    );
    const before = [await slipway('ps:scale'), await slipway('ps:limits')];
    for (const words of [['ps:scale', 'web=2'], ['ps:restart'], ['ps:limits', 'web', '--memory', '64M']]) {
      const waiting = startSlipway(...words);
      await eventually('the note', () => /Waiting for the end of the deploy of v\d+ of hello/.test(waiting.said()));
      waiting.child.kill('SIGINT');
      assert.deepEqual(await waiting.ended, [130, null]);
    }
    assert.match(await slipway('deploy:abort'), /^Aborted the deploy of hello\./);
    assert.equal((await push.result).ok, false);
    assert.match(await slipway('ps:stop', 'worker'), /./); // its turn is after theirs
    assert.deepEqual([await slipway('ps:scale'), await slipway('ps:limits')], before);
    await answers(200, /^version=1/);
  });

  it('a lock refuses a push with its reason until it is undone, and needs a reason', async () => {
    assert.match(await slipway('apps:lock'), /Say why deploys are locked/);
    assert.match(await slipway('apps:lock', '-m', 'a migration'), /^Deploys of hello are locked: a migration\n/);
    await hello.commit(SLOW);
    const refused = await hello.push('hello');
    assert.deepEqual([refused.ok, refused.text.includes('a migration')], [false, true], refused.text);
    assert.match(await slipway('apps:unlock'), /^Deploys of hello are allowed\.\n/);
  });

  it('builds:cancel ends the running build, and says when there is none', async () => {
    await hello.commit(SLOW);
    const push = hello.startPush('hello');
    await push.saw(/began/);
    assert.match(await slipway('builds:cancel'), /^Cancelled the build \S+ of [0-9a-f]{7}\.\n/);
    assert.equal((await push.result).ok, false);
    await eventually('it is cancelled', async () => (await slipway('builds', '-n', '1')).includes('cancelled'));
    assert.match(await slipway('builds:cancel'), /hello has no running build/);
    assert.match(await slipway('builds:cancel', 'nothing'), /!/);
  });

  it('builds:limits and builds:cache:purge change the next build, and refuse wrong sizes', async () => {
    assert.match(
      await slipway('builds:limits', '--memory', '1G', '--timeout', '5m'),
      /Memory: +1\.1 GB[^]*Time: +5 min/,
    );
    assert.match(await slipway('builds:limits', '--memory', 'much'), /--memory must be a number and a unit/);
    assert.match(await slipway('builds:limits', '--timeout', '500h'), /!/);
    assert.match(await slipway('builds:limits', '--reset'), /the default of the controller/);
    assert.match(await slipway('builds:cache:purge'), /^Purged the build cache of hello\./);
    assert.match(await fleet.slipway('builds:cache:purge', '-a', 'nothing'), /There is no app of this name/);
  });

  it('apps:rename moves the address, and refuses a name that is taken or not valid', async () => {
    await fleet.slipway('create', 'other', '--no-remote');
    assert.match(await slipway('apps:rename', 'other'), /other/);
    assert.match(await slipway('apps:rename', 'No Name'), /No Name/);
    await answers(200, /^version=1/);
    assert.match(await slipway('apps:rename', 'shop'), /^Renaming hello to shop\.\.\. done\n/);
    await eventually(
      'the new address answers',
      async () => (await fleet.site.get('shop')).body.startsWith('version=1') || undefined,
    );
    assert.match(await slipway('apps:info'), /shop|hello/);
  });
});
