import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ReleaseDetails } from '../../../shared/api/release-history.ts';
import { saySwitch } from '../../../shared/domain/switch-figures.ts';
import { eventually } from '../../support/eventually.ts';
import { TestFleet } from '../../support/fleet.ts';
import { helloApp, type Repository } from '../../support/fleet-user.ts';
import { Load } from '../../support/load.ts';

const NOBODY = 65_534;
/** It starts well, and ends the connection of every request without an answer. */
const SILENT = `require('http').createServer((request) => request.socket.destroy()).listen(process.env.PORT);\n`;

describe('the figures of a deploy on real parts', () => {
  let fleet: TestFleet;
  let hello: Repository;
  before(async () => {
    fleet = await TestFleet.start({
      sandbox: 'process',
      controller: { rollout: { settleMs: 500, bakeMs: 500 } },
      ...(process.getuid?.() === 0 ? { agentUid: NOBODY } : {}),
    });
    hello = await fleet.me.repository('hello', helloApp('1'));
    const pushed = await hello.push('hello');
    assert.ok(pushed.ok, pushed.text);
    assert.doesNotMatch(pushed.text, /in the switch/, 'nothing served before');
  });
  after(() => fleet.stop());

  const slipway = (...words: string[]): Promise<string> => fleet.slipway(...words, '-a', 'hello');
  const figuresOf = async (version: number): Promise<NonNullable<ReleaseDetails['switch']>> => {
    const { switch: found } = JSON.parse(
      await slipway('releases:info', `v${String(version)}`, '--json'),
    ) as ReleaseDetails;
    return found ?? assert.fail('no figures');
  };

  it('are printed by a push under load, and kept with the release', async () => {
    const load = await Load.start(fleet.ports.web, 'hello.localhost', 50);
    const before = load.count;
    await hello.commit(helloApp('2'));
    const pushed = await hello.push('hello');
    await load.until(({ bodies }) => bodies.some((body) => body.startsWith('version=2')));
    const { failures, bodies } = await load.stop();
    assert.ok(pushed.ok, pushed.text);
    assert.deepEqual(failures, []);
    const figures = await figuresOf(2);
    assert.deepEqual([figures.state, figures.failed, figures.uncounted], ['final', 0, []]);
    assert.ok(figures.requests > 0 && figures.requests <= bodies.length - before + 50, JSON.stringify(figures));
    const line = saySwitch(figures); // on a busy machine, HAProxy drops a line now and then, and the text says so
    assert.match(line, /^0 of \d+ (counted )?requests failed in the switch, longest drain /);
    assert.ok(pushed.text.includes(line), pushed.text);
    assert.ok((await slipway('releases:info', 'v2')).includes(line));
    assert.ok((await slipway('deploy:status')).includes(line));
  });

  it('are printed by a config change, a rollback and a change of health checks', async () => {
    const quiet = /\nNo requests (came|were counted) in the switch\./;
    const said = [await slipway('config:set', 'A=1'), await slipway('rollback', 'v2')];
    assert.match(said[0] ?? '', /live as v3\n/);
    assert.match(said[1] ?? '', /live as v4\n/);
    const checks = ['checks:set', 'web', '--path', '/', '--wait', '1'];
    for (const words of [checks, ['checks:disable', 'web'], ['checks:unset', 'web']])
      said.push(await slipway(...words));
    assert.match(said[4] ?? '', /Released v7\./);
    for (const text of said) assert.match(text, quiet);
  });

  it('have the requests that failed, when a new version answers none', async () => {
    const load = await Load.start(fleet.ports.web, 'hello.localhost', 50);
    await hello.commit({ ...helloApp('8'), 'server.js': SILENT });
    const pushed = await hello.push('hello');
    await eventually('a failure', () => load.failures > 0);
    const seen = await load.stop();
    const figures = await eventually('the final figures', async () => {
      const found = await figuresOf(8);
      return found.state === 'final' ? found : undefined;
    });
    assert.ok(figures.failed > 0 && figures.failed <= seen.failures.length, JSON.stringify(figures));
    assert.equal(figures.failed, figures.codes['H13']);
    assert.match(pushed.text, /[1-9]\d* of \d+ (counted )?requests failed in the switch \(\d+ H13\)/);
  });
});
