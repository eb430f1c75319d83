import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ReleaseDetails } from '../../../shared/api/release-history.ts';
import { saySwitch } from '../../../shared/domain/switch-figures.ts';
import { eventually } from '../../support/eventually.ts';
import { TestFleet } from '../../support/fleet.ts';
import { helloApp, type Repository } from '../../support/fleet-user.ts';
import { Load } from '../../support/load.ts';

const NOBODY = 65_534;
/** The whole process ends with a request for /die. */
const MORTAL = `require('http').createServer((request, response) => {
  if (request.url === '/die') process.exit(1);
  response.end('version=8 ');
}).listen(process.env.PORT);\n`;
/** It starts well, and ends the connection of every request without an answer. */
const SILENT = `require('http').createServer((request) => request.socket.destroy()).listen(process.env.PORT);\n`;

/** On a busy machine, the text also says that not all requests were counted, or that some are still open. */
const GOOD_SWITCH =
  /(0 of \d+ (counted )?requests? failed in the switch( so far)?, longest drain |No requests were counted in the switch)/;

describe('the figures of a deploy on real parts', () => {
  let fleet: TestFleet;
  let hello: Repository;
  before(async () => {
    fleet = await TestFleet.start({
      sandbox: 'process',
      controller: { rollout: { settleMs: 500, bakeMs: 60_000 } },
      ...(process.getuid?.() === 0 ? { agentUid: NOBODY } : {}),
    });
    hello = await fleet.me.repository('hello', helloApp('1'));
    const pushed = await hello.push('hello');
    assert.ok(pushed.ok, pushed.text);
    assert.doesNotMatch(pushed.text, /in the switch/, 'nothing served before');
  });
  after(() => fleet.stop());

  const slipway = (...words: string[]): Promise<string> => fleet.slipway(...words, '-a', 'hello');
  /** A busy machine may end the last request of an old instance after the deploy. */
  const finalFigures = (version: number): Promise<NonNullable<ReleaseDetails['switch']>> =>
    eventually('the final figures', async () => {
      const text = await slipway('releases:info', `v${String(version)}`, '--json');
      const { switch: found } = JSON.parse(text) as ReleaseDetails;
      return found?.state === 'final' ? found : undefined;
    });

  it('are printed by a push under load, and kept with the release', async () => {
    const load = await Load.start(fleet.ports.web, 'hello.localhost', 50);
    const before = load.count;
    await hello.commit(helloApp('2'));
    const pushed = await hello.push('hello');
    await load.until(({ bodies }) => bodies.some((body) => body.startsWith('version=2')));
    const { failures, bodies } = await load.stop();
    assert.ok(pushed.ok, pushed.text);
    assert.deepEqual(failures, []);
    assert.match(pushed.text, GOOD_SWITCH);
    const figures = await finalFigures(2);
    // On a busy machine, HAProxy drops a line now and then, or the node answers too late. The figures say so.
    const isWhole = figures.uncounted.length === 0;
    assert.equal(figures.failed, 0);
    assert.ok(!isWhole || figures.requests > 0, JSON.stringify(figures));
    assert.ok(figures.requests <= bodies.length - before + 50, JSON.stringify(figures));
    const line = saySwitch(figures);
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

  it('have the requests of the way back, when the new version fails in its bake time', async () => {
    await hello.commit({ ...helloApp('8'), 'server.js': MORTAL });
    const pushed = await hello.push('hello');
    assert.ok(pushed.ok, pushed.text);
    assert.match(pushed.text, /No requests (came|were counted) in the switch\./);
    const load = await Load.start(fleet.ports.web, 'hello.localhost', 50);
    await load.until(({ bodies }) => bodies.some((body) => body.startsWith('version=8')));
    const died = await fleet.site.get('hello', '/die').catch(() => undefined);
    await load.until(({ bodies }) => bodies.some((body) => body.startsWith('version=2')));
    const seen = await load.stop();
    const figures = await eventually('the figures of the way back', async () => {
      const found = await finalFigures(8);
      return found.requests > 0 ? found : undefined;
    });
    assert.notEqual(died?.status, 200);
    assert.ok(figures.failed > 0 && figures.failed <= seen.failures.length + 1, JSON.stringify(figures));
    assert.ok((await slipway('releases:info', 'v8')).includes(saySwitch(figures)));
  });

  it('have the requests that failed, when a new version answers none', async () => {
    let version = 8;
    // On a busy machine, a deploy may end before a request to the new version has failed. Then the next one has its failures.
    await eventually('a push with failures', async () => {
      const load = await Load.start(fleet.ports.web, 'hello.localhost', 50);
      await hello.commit({ ...helloApp('9'), 'server.js': SILENT });
      const { text } = await hello.push('hello');
      const { failures } = await load.stop();
      version += 1;
      const figures = await finalFigures(version);
      assert.ok(figures.failed <= failures.length, JSON.stringify(figures));
      assert.equal(figures.failed, figures.codes['H13'] ?? 0);
      if (/[1-9]\d* of \d+ (counted )?requests failed in the switch( so far)? \(\d+ H13\)/.test(text)) return true;
      await hello.commit(helloApp('10'));
      assert.ok((await hello.push('hello')).ok);
      version += 1;
      return false;
    });
  });
});
