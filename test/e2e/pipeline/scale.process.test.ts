import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { TestFleet } from '../../support/fleet.ts';
import { helloApp, type Repository } from '../../support/fleet-user.ts';
import { Load } from '../../support/load.ts';

const NOBODY = 65_534;

describe('scaling on real parts', () => {
  let fleet: TestFleet;
  let hello: Repository;
  before(async () => {
    fleet = await TestFleet.start({ sandbox: 'process', ...(process.getuid?.() === 0 ? { agentUid: NOBODY } : {}) });
    hello = await fleet.me.repository('hello', helloApp('1'));
    assert.ok((await hello.push('hello')).ok);
  });
  after(() => fleet.stop());

  const slipway = (...words: string[]): Promise<string> => fleet.slipway(...words, '-a', 'hello');
  const up = async (): Promise<readonly string[]> =>
    [...(await slipway('ps')).matchAll(/^(\S+): up/gm)].map((match) => match[1]!);
  const comesTo = (names: readonly string[]): Promise<unknown> =>
    eventually(
      `${names.join(', ')} are up and no others`,
      async () => JSON.stringify(await up()) === JSON.stringify(names) || undefined,
    );

  it('scales up, down, to every node and to other limits without a failed request or a new release', async () => {
    assert.match(await slipway('apps:info'), /^Processes: +web=1$/m);
    const load = await Load.start(fleet.ports.web, 'hello.localhost', 50);
    assert.equal(await slipway('ps:scale', 'web=3'), 'Scaling dynos... done, now running web at 3\n');
    await comesTo(['web.1', 'web.2', 'web.3']);
    assert.equal(await slipway('ps:scale', 'web-2'), 'Scaling dynos... done, now running web at 1\n');
    await comesTo(['web.1']);
    assert.match(await slipway('ps:limits', 'web', '--memory', '256M'), /^web {2}256M memory/m);
    assert.equal(await slipway('ps:restart', 'web.1'), 'Restarting web.1 dyno on hello... done\n');
    await comesTo(['web.1']);
    assert.equal(await slipway('ps:scale', 'web=all'), 'Scaling dynos... done, now running web at all\n');
    assert.equal(await slipway('ps:scale'), 'web=all\n');
    assert.deepEqual((await load.stop()).failures, []);
    assert.doesNotMatch(await slipway('releases'), /^v2/m);
  });

  it('starts an app without running processes with the command that its push prints', async () => {
    const jobs = await fleet.me.repository('jobs', { Procfile: 'worker: sleep 1000\n' });
    const { text: output } = await jobs.push('jobs');
    const command =
      /Released v1 · no processes are running: every type is scaled to 0\. Start one with: slipway (\S+) (\S+)/.exec(
        output,
      );
    assert.ok(command !== null, output);
    assert.match(await fleet.slipway(command[1]!, command[2]!, '-a', 'jobs'), /now running worker at 1/);
    await eventually(
      'worker.1 is up',
      async () => (await fleet.slipway('ps', '-a', 'jobs')).includes('worker.1: up') || undefined,
    );
  });

  it('accepts process types and variables with the names of inherited object properties', async () => {
    const types = 'constructor: sleep 1000\ntoString: sleep 1000\nweb: python3 -m http.server $PORT\n';
    const pushed = await (await fleet.me.repository('odd', { Procfile: types })).push('odd');
    assert.ok(pushed.ok, pushed.text);
    const odd = (...words: string[]): Promise<string> => fleet.slipway(...words, '-a', 'odd');
    assert.equal(await odd('ps:scale'), 'web=1 constructor=0 toString=0\n');
    assert.match(await odd('ps:scale', 'toString=+1', 'constructor=1'), /now running toString at 1, constructor at 1/);
    assert.match(await odd('ps:scale', 'web=0'), /now running web at 0/);
    await eventually(
      'both are up, and web is not',
      async () => /^constructor\.1: up[^]*^toString\.1: up/m.test(await odd('ps')) && !/^web/m.test(await odd('ps')),
    );
    assert.match(await odd('config:get', 'constructor'), /odd has no config var "constructor"/);
    await odd('config:set', 'constructor=1');
    assert.equal(await odd('config:get', 'constructor'), '1\n');
    assert.match(await odd('config:set', '__proto__=1'), /a name in it is __proto__, which cannot be used/);
  });

  it('explains why an instance cannot be placed, and changes nothing', async () => {
    await slipway('placement:set', 'web', '--require', 'region=moon');
    assert.match(
      await slipway('ps:scale', 'web=2'),
      /web\.2 cannot be placed: node-1: it has no label region, region=moon is required/,
    );
    assert.equal(await slipway('ps:scale'), 'web=all\n');
    assert.match(await slipway('placement'), /one on every node {2}nodes with region=moon/);
    await slipway('placement:set', 'web', '--clear');
    await comesTo(['web.1']);
  });
});
