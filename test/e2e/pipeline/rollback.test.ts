import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { TestFleet } from '../../support/fleet.ts';
import { helloApp, type Repository } from '../../support/fleet-user.ts';

const NOBODY = 65_534;

describe('a rollback on real parts', () => {
  let fleet: TestFleet;
  let hello: Repository;
  let first: string;
  let second: string;
  before(async () => {
    fleet = await TestFleet.start({
      sandbox: 'process',
      controller: { rollout: { settleMs: 200, bakeMs: 200 } },
      ...(process.getuid?.() === 0 ? { agentUid: NOBODY } : {}),
    });
    hello = await fleet.me.repository('hello', helloApp('1'));
    first = (await hello.git('rev-parse', 'HEAD')).stdout.trim();
    const pushed = await hello.push('hello');
    assert.ok(pushed.ok, pushed.text);
    await slipway('config:set', 'COLOUR=blue');
    second = await hello.commit(helloApp('2'));
    const again = await hello.push('hello');
    assert.ok(again.ok, again.text);
  });
  after(() => fleet.stop());

  const slipway = (...words: string[]): Promise<string> => fleet.slipway(...words, '-a', 'hello');
  const body = async (): Promise<string> => (await fleet.site.get('hello')).body;

  it('serves the former code with the former config, and the git ref is at the former commit', async () => {
    assert.match(await body(), /^version=2/);
    assert.equal(
      (await slipway('rollback', 'v1'))
        .replace(/^(0 of \d+ (counted )?requests? failed|No requests (came|were counted)) in the switch.*\n/m, '')
        .replace(/^The final figures: .*\n/m, '')
        .replace(/^Not all requests were counted: .*\n/m, ''),
      `Rolled back hello to v1 (commit ${first.slice(0, 7)}), live as v4\n` +
        'The config vars are those of v1 again. Changed: COLOUR.\nUndo with: slipway rollback v3 -a hello\n',
    );
    assert.match(await body(), /^version=1/);
    assert.equal(await hello.remoteRef('hello'), first);
    assert.equal(await slipway('config'), 'hello has no config vars.\n');
    assert.match(await slipway('releases'), /^v4 {2}current +Rollback to v1/m);
  });

  it('deploys the newer commit again when it is pushed again', async () => {
    const pushed = await hello.push('hello');
    assert.ok(pushed.ok, pushed.text);
    assert.match(pushed.text, /Released v5/);
    assert.match(await body(), /^version=2/);
    assert.equal(await hello.remoteRef('hello'), second);
  });

  it('goes back across a forced push, whose former commit no branch has', async () => {
    await hello.git('checkout', '-q', '--orphan', 'other');
    const third = await hello.commit(helloApp('3'));
    const pushed = await hello.attempt(['push', '--force', hello.address('hello'), 'other:main']);
    assert.ok(pushed.ok, pushed.text);
    assert.match(await slipway('rollback'), /^Rolled back hello to v5 .* live as v7\n/);
    assert.match(await body(), /^version=2/);
    assert.equal(await hello.remoteRef('hello'), second);
    assert.match(await slipway('rollback', 'v6'), /live as v8/);
    assert.equal(await hello.remoteRef('hello'), third);
  });

  it('refuses what cannot be restored, and shows what releases have', async () => {
    assert.match(await slipway('rollback', 'v8'), /v8 is the current release of hello already/);
    assert.match(await slipway('rollback', 'v99'), /hello has no release v99\.[^]*can be restored: v7, v6, v5/);
    assert.match(await slipway('releases:info', 'v3'), /Config vars: +COLOUR\n/);
    assert.equal(await slipway('releases:info', 'v3', '--shell'), 'COLOUR=blue\n');
    assert.match(
      await slipway('releases:diff', 'v1', 'v3'),
      /Code\n {2}[0-9a-f]{7} → [0-9a-f]{7}\n[^]*\+ {2}COLOUR {2}added/,
    );
    assert.match(await slipway('releases:output', 'v3'), /has no release command/);
    await eventually(
      'the instances of v7 are gone, and with them its slug',
      async () => /A rollback can restore: +v6\n/.test(await slipway('releases:retention', '0')) || undefined,
    );
    assert.match(await slipway('rollback', 'v5'), /The slug of v5 of hello was removed[^]*can be restored: v6\./);
    assert.match(await fleet.slipway('gc', '--dry-run'), /would be removed|nothing to remove/);
  });
});
