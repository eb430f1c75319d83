import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { helloApp, type Repository } from '../../support/fleet-user.ts';
import { ServerFleet } from '../../support/server-fleet.ts';

const beganMs = performance.now();
function say(line: string): void {
  console.log(`${((performance.now() - beganMs) / 1000).toFixed(1).padStart(6)} s  ${line}`);
}

describe('three servers', { concurrency: false }, () => {
  let fleet: ServerFleet;
  let hello: Repository;
  before(async () => {
    fleet = await ServerFleet.start(['fra-1', 'fra-2', 'ams-1'], { controller: { rollout: { settleMs: 500, bakeMs: 1000 } } });
    say('three servers are up');
    hello = await fleet.fleet.me.repository('hello', helloApp('1'));
  });
  after(() => fleet.stop());

  it('join the fleet', async () => {
    const took = await fleet.joinAll();
    say(`joined in ${took.map((ms) => `${ms.toFixed(0)} ms`).join(', ')}`);
  });

  it('take a push', async () => {
    const pushed = await hello.push('hello');
    assert.ok(pushed.ok, `${pushed.text}\n${await fleet.report()}`);
    say(pushed.text);
    const [web] = await fleet.instances('hello');
    const server = fleet.servers.named(web?.node ?? '');
    assert.match(await fleet.answer(server, 'hello'), /version=1/);
  });
});
