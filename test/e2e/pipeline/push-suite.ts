import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { StatusBody } from '../../../shared/api/observe.ts';
import { eventually } from '../../support/eventually.ts';
import { TestFleet } from '../../support/fleet.ts';
import { helloApp, type Repository } from '../../support/fleet-user.ts';
import { Load } from '../../support/load.ts';

/** A first push, a second one under load, broken ones, and the deaths of controller and agent: on real parts. */
export function pushSuite(sandbox: 'lxc' | 'nspawn' | 'process', agentUid?: number): void {
  describe(`git push, ${sandbox}${agentUid === undefined ? '' : ', agent without root'}`, () => {
    let fleet: TestFleet;
    let hello: Repository;

    before(async () => {
      fleet = await TestFleet.start({ sandbox, ...(agentUid === undefined ? {} : { agentUid }) });
      hello = await fleet.me.repository('hello', helloApp('1'));
    });
    after(() => fleet.stop());

    it('builds and releases a first push, and the app answers', async () => {
      const pushed = await hello.push('hello');
      assert.ok(pushed.ok, pushed.text);
      assert.match(pushed.text, /Node\.js app detected/);
      assert.match(pushed.text, /Released v1 · live on 1 node/);
      assert.match((await fleet.site.get('hello')).body, /^version=1 dyno=web\.1/);
      assert.equal(await hello.remoteRef('hello'), (await hello.git('rev-parse', 'main')).stdout.trim());
    });

    it('shows the log lines of the app, the platform and the proxy', async () => {
      const logs = await eventually('the request is in the log', async () => {
        const text = await fleet.slipway('logs', '-a', 'hello');
        return text.includes('[router]') ? text : undefined;
      });
      assert.match(logs, /slipway\[web\.1\]: State changed from starting to up/);
      assert.match(
        logs,
        /slipway\[router\]: at=info method=GET path="\/" host=hello\.localhost .* dyno=web\.1 .* status=200/,
      );
      assert.match(
        await fleet.slipway('ps', '-a', 'hello'),
        /=== web \(1\): node server\.js\nweb\.1: up .*, on node-1, v1\n/,
      );
    });

    it('replaces it under load without a failed request', async () => {
      const load = await Load.start(fleet.ports.web, 'hello.localhost', 100);
      await hello.edit('server.js', (text) => text.replace('version=1', 'version=2'));
      const pushed = await hello.push('hello');
      assert.ok(pushed.ok, pushed.text);
      await load.until((seen) => seen.bodies.some((body) => body.startsWith('version=2')));
      const seen = await load.stop();
      assert.deepEqual(seen.failures, []);
      assert.ok(
        seen.bodies[0]?.startsWith('version=1') === true && seen.bodies.at(-1)?.startsWith('version=2') === true,
      );
    });

    it('rejects a broken build, keeps the ref and the old release, and accepts the corrected commit', async () => {
      const before = await hello.remoteRef('hello');
      await hello.edit('package.json', () => '{ not json');
      const broken = await hello.push('hello');
      assert.equal(broken.ok, false);
      assert.match(broken.text, /remote rejected.*main -> main/);
      assert.match(broken.text, / ! {5}.*package\.json/);
      assert.equal(await hello.remoteRef('hello'), before);
      assert.match((await fleet.site.get('hello')).body, /^version=2/);
      await hello.edit('package.json', () => '{}');
      assert.ok((await hello.push('hello')).ok);
    });

    it('rejects an app that exits at once, reports its exit, and rolls back', async () => {
      const { body } = await fleet.site.get('hello');
      const before = await hello.remoteRef('hello');
      await hello.commit({ 'server.js': 'console.error("no database"); process.exit(7);\n' });
      const pushed = await hello.push('hello');
      assert.equal(pushed.ok, false);
      assert.match(pushed.text, /web\.1 exited with status 7 before it was ready/);
      assert.match(pushed.text, /no database/);
      assert.match(pushed.text, /keeps serving/);
      assert.equal((await fleet.site.get('hello')).body, body);
      assert.equal(await hello.remoteRef('hello'), before);
      const again = await hello.push('hello');
      assert.match(again.text, /web\.1 exited with status 7/, 'the same commit can be pushed again');
      await hello.commit(helloApp('3'));
      assert.ok((await hello.push('hello')).ok);
    });

    it('keeps the same process when the agent is killed, and keeps serving when the controller is killed', async () => {
      const before = (await fleet.site.get('hello')).body;
      await fleet.endAgent();
      assert.equal((await fleet.site.get('hello')).body, before);
      await fleet.startAgent();
      await fleet.endController();
      assert.equal((await fleet.site.get('hello')).body, before);
      await fleet.startController();
      await fleet.untilConnected();
      assert.equal((await fleet.site.get('hello')).body, before);
      // The agent reports its instances a moment after it has connected.
      let seen: unknown[] = [];
      const isWell = async (): Promise<boolean> => {
        const { problems, apps } = (await fleet.api('GET', '/status')) as StatusBody;
        seen = [problems, apps.map(({ name, live, desired }) => [name, live, desired])];
        return JSON.stringify(seen) === '[[],[["hello",1,1]]]';
      };
      await eventually('status shows it', isWell).catch(() => assert.fail(JSON.stringify(seen)));
    });
  });
}
