import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { NodeBody } from '../../../shared/api/nodes.ts';
import type { RunBody } from '../../../shared/api/runs.ts';
import { eventually } from '../../support/eventually.ts';
import { TestFleet } from '../../support/fleet.ts';
import { helloApp } from '../../support/fleet-user.ts';
import { untilSent } from '../../support/until-sent.ts';

/** One-off commands from their start to their end, on real parts. */
export function commandsSuite(sandbox: 'lxc' | 'nspawn'): void {
  describe(`one-off commands in the background, ${sandbox}`, () => {
    let fleet: TestFleet;
    before(async () => {
      fleet = await TestFleet.start({ sandbox, controller: { rollout: { settleMs: 200, bakeMs: 200 } } });
      const files = { ...helloApp('1'), Procfile: 'web: node server.js\nreport: echo "report of $DYNO"\n' };
      assert.ok((await (await fleet.me.repository('hello', files)).push('hello')).ok);
      await fleet.slipway('config:set', 'GREETING=hello there', '-a', 'hello');
    });
    after(() => fleet.stop());

    const slipway = (...words: string[]): Promise<string> => fleet.slipway(...words);
    const show = async (name: string): Promise<RunBody> =>
      (await fleet.api('GET', `/apps/hello/runs/${name}`)) as RunBody;
    const ended = (name: string): Promise<RunBody> =>
      eventually(`the end of ${name}`, async () => {
        const run = await show(name);
        return run.finishedAtMs === undefined ? undefined : run;
      }).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${fleet.logs()}`, { cause: error });
      });
    /** Starts a command and returns its name. */
    async function run(...words: string[]): Promise<string> {
      const output = await slipway('run:detached', '-a', 'hello', ...words);
      return /done, (run\.\d+)/.exec(output)?.[1] ?? assert.fail(output);
    }

    it('run with the slug and the config of the app, with their own variables and limits', async () => {
      const command = 'cat package.json; echo "$GREETING/$MINE/$DYNO/$MEMORY_AVAILABLE"; exit 7';
      const name = await run('--memory', '64M', '-e', 'MINE=a b', '--', command);
      const { state, exit, failure } = await ended(name);
      assert.deepEqual([state, exit?.code], ['failed', 7]);
      assert.equal(failure?.message, `${name} of hello exited with status 7.`);
      const log = await fleet.pastRunLogs(name, '-a', 'hello');
      assert.match(log, /"name":"hello"/);
      assert.match(log, new RegExp(`hello there/a b/${name}/64`.replaceAll('.', '\\.')));
      assert.match(await slipway('run:list', '-a', 'hello'), /exited with status 7/);
    });

    it('run the command of a process type when only its name is given', async () => {
      const name = await run('report');
      assert.equal((await ended(name)).state, 'succeeded');
      assert.match(await fleet.pastRunLogs(name, '-a', 'hello'), new RegExp(`report of ${name}`));
    });

    it('are shown by ps, outlive the agent and the controller, and are stopped on request', async () => {
      const name = await run('--', 'trap "" HUP; echo ready; exec sleep 10000');
      await eventually('it is up', async () => (await slipway('run:logs', name, '-a', 'hello')).includes('ready'));
      // Its log comes from the node itself, and its state from the controller.
      const isUp = new RegExp(`^${name} \\(512M\\): up .*: trap`, 'm');
      await eventually('ps shows it', async () => isUp.test(await slipway('ps', '-a', 'hello')));
      await fleet.endAgent();
      await fleet.startAgent();
      await fleet.endController();
      await fleet.startController();
      await fleet.untilConnected();
      assert.equal((await show(name)).state, 'running');
      assert.match(await slipway('run:stop', name, '-a', 'hello'), /Stopping run\.\d+ on hello\.\.\. done/);
      assert.equal((await ended(name)).state, 'cancelled');
      assert.doesNotMatch(await slipway('ps', '-a', 'hello'), new RegExp(`^${name} `, 'm'));
    });

    it('end at their time limit, also when they ignore SIGTERM and leave processes behind', async () => {
      const name = await run('--ttl', '1s', '--', 'setsid sleep 9999 & exec sleep 9999');
      const { state, failure } = await ended(name);
      assert.deepEqual([state, failure?.code], ['failed', 'SLIP_COMMAND_TIMEOUT']);
      const leaver = await run('--', 'setsid sleep 9999 & exit 0');
      assert.equal((await ended(leaver)).state, 'succeeded');
    });

    it('start up to the limit of the app when 100 are asked for at once; the others get a reason, and none stays', async () => {
      const body = { command: 'exec sleep 9999', memoryBytes: 32 * 1024 * 1024 };
      const answers = await Promise.allSettled(
        Array.from({ length: 100 }, () => untilSent(() => fleet.api('POST', '/apps/hello/runs', body))),
      );
      const started = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value as RunBody] : []));
      const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [String(answer.reason)] : []));
      assert.deepEqual([started.length, refused.length], [20, 80]);
      for (const text of refused)
        assert.match(
          text,
          /409 .*SLIP_COMMAND_LIMIT.*hello runs 20 one-off commands, and more are not allowed at once\./,
        );
      await Promise.all(started.map(({ name }) => fleet.api('POST', `/apps/hello/runs/${name}/stop`)));
      const ends = await Promise.all(started.map(({ name }) => ended(name)));
      assert.deepEqual([...new Set(ends.map(({ state }) => state))], ['cancelled']);
      assert.equal((await ended(await run('--', 'true'))).state, 'succeeded');
    });

    it('on a drained node end at the deadline with the reason', async () => {
      const name = await run('--', 'exec sleep 9999');
      const { node } = await show(name);
      await eventually('it runs', async () => (await show(name)).state === 'running');
      const output = await slipway('nodes:drain', node, '--deadline', '1s');
      assert.match(output, new RegExp(`${name} of hello: (still runs|is being stopped)`));
      const { state, failure } = await ended(name);
      assert.deepEqual(
        [state, failure?.message],
        ['failed', `${name} of hello was stopped, because node ${node} was drained.`],
      );
      assert.match(await slipway('run:detached', '-a', 'hello', '--', 'ls'), /cordoned/);
      await slipway('nodes:uncordon', node);
    });

    it('end with their app when it is destroyed', async () => {
      const files = { ...helloApp('1'), Procfile: 'web: node server.js\n' };
      assert.ok((await (await fleet.me.repository('former', files)).push('former')).ok);
      assert.match(await slipway('run:detached', '-a', 'former', '--', 'exec sleep 9999'), /done, run\.1/);
      await fleet.api('DELETE', '/apps/former');
      await eventually('nothing of it is left', async () => {
        const [last] = (await fleet.api('GET', '/destroyed-apps')) as { freeAtMs?: number }[];
        return last?.freeAtMs !== undefined;
      }).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${fleet.logs()}`, { cause: error });
      });
    });

    it('are refused with a reason', async () => {
      assert.match(await slipway('run:detached', '-a', 'hello', '--node', 'mars', '--', 'ls'), /there is no node mars/);
      assert.match(
        await slipway('run:detached', '-a', 'hello', '--type', 'nope', '--', 'ls'),
        /no process type "nope"/,
      );
      assert.match(
        await slipway('run:detached', '-a', 'hello', '--memory', '900G', '--', 'ls'),
        /SLIP_PS_CEILING|ceiling/i,
      );
      const [node] = (await fleet.api('GET', '/nodes')) as NodeBody[];
      const wanted = { command: 'ls', memoryBytes: node?.memoryBytes ?? assert.fail('no memory is known') };
      await fleet.api('PATCH', '/limits', { memoryBytes: wanted.memoryBytes });
      await assert.rejects(
        fleet.api('POST', '/apps/hello/runs', wanted),
        /SLIP_COMMAND_NO_NODE.* MB of unreserved memory/,
      );
      assert.match(await slipway('run:stop', 'run.999', '-a', 'hello'), /no one-off command "run\.999"/);
      await fleet.api('POST', '/apps', { name: 'empty' });
      assert.match(await slipway('run:detached', '-a', 'empty', '--', 'ls'), /empty has no release/);
    });
  });
}
