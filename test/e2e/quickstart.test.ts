import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { run } from '../../shared/kit/exec.ts';
import { Clone, HAS_OWN_NODE, statusOf } from '../support/clone.ts';
import { eventually } from '../support/eventually.ts';

async function uidOf(account: string): Promise<string | undefined> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n');
  return lines.find((line) => line.startsWith(`${account}:`))?.split(':')[2];
}

/** The folder that shows the files of this quickstart to other accounts. `script/quickstart` names it like this. */
async function viewOf(stateDir: string): Promise<string> {
  const { stdout } = await run({ file: 'cksum', args: [], stdin: stateDir });
  return `/run/slipway-view-${stdout.split(' ')[0] ?? ''}`;
}

interface AgentSettings {
  readonly proxy: { readonly trust: readonly string[] };
  readonly network: { readonly egressAllow: readonly unknown[] };
}

describe('quickstart of a clone, as root, below a folder closed to others', { concurrency: false }, () => {
  let clone: Clone;
  before(async () => {
    clone = await Clone.make();
  });
  after(() => clone.remove());

  it('goes from the clone to an app that answers, with two commands', async () => {
    const started = await clone.quickstart();
    assert.equal(started.code, 0, started.stdout + started.stderr);
    assert.match(
      started.stdout,
      HAS_OWN_NODE ? /2\/3 Node: v24\S+ in \.tools\/node/ : /2\/3 Node: v\d+\S+ from \S+\/node/,
    );
    assert.match(started.stdout, /running as user slipway/);
    assert.match(started.stdout + started.stderr, /Released v1 · live on 1 node/);
    assert.match(started.stdout, new RegExp(`http://hello\\.localhost:${String(clone.ports.web)} answers: 200 Hello`));
    assert.deepEqual(await clone.curl(`hello.localhost:${String(clone.ports.web)}`), {
      status: 200,
      body: 'Hello from web.1, v1\n',
    });
  });

  it('shows in slipway status that all is well', async () => {
    const { code, stdout } = await clone.slipway('status');
    assert.equal(code, 0, stdout);
    assert.match(stdout, /hello/);
    const { problems } = JSON.parse((await clone.slipway('status', '--json')).stdout) as { problems: unknown[] };
    assert.deepEqual(problems, []);
  });

  it('runs the controller as an ordinary user without privileges, and the agent as root', async () => {
    const controller = await statusOf(await clone.pidOf('controller'));
    const uid = await uidOf('slipway');
    assert.equal(controller['Uid'], [uid, uid, uid, uid].join('\t'));
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
      assert.match(controller[set] ?? '', /^0+$/, set);
    assert.equal(controller['NoNewPrivs'], '1');
    assert.equal((await statusOf(await clone.pidOf('agent')))['Uid'], '0\t0\t0\t0');
  });

  it('skips finished steps in a second run', async (t) => {
    const pids = [await clone.pidOf('controller'), await clone.pidOf('agent')];
    const since = performance.now();
    const again = await clone.quickstart();
    t.diagnostic(`second run: ${(performance.now() - since).toFixed(0)} ms`);
    assert.equal(again.code, 0, again.stdout + again.stderr);
    assert.match(again.stdout, /already running/);
    assert.deepEqual([await clone.pidOf('controller'), await clone.pidOf('agent')], pids);
    const releases = JSON.parse((await clone.slipway('releases', '-a', 'hello', '--json')).stdout) as unknown[];
    assert.equal(releases.length, 1, 'nothing was released again');
    assert.equal((await clone.slipway('ps:scale', 'web=0', '-a', 'hello')).code, 0);
    const off = await clone.quickstart();
    assert.equal(off.code, 0, off.stdout + off.stderr);
    assert.match(off.stdout, /hello is scaled to 0\. Start it with: bin\/slipway ps:scale web=1 -a hello/);
    assert.equal((await clone.slipway('ps:scale', 'web=1', '-a', 'hello')).code, 0);
  });

  it('stops, and starts again with the app it had', async () => {
    const stopped = await clone.quickstart('--stop');
    assert.equal(stopped.code, 0, stopped.stdout + stopped.stderr);
    assert.equal((await clone.curl('hello.localhost')).status, 0);
    assert.deepEqual(await clone.traces(), []);
    // The options of the first run stay in force.
    const started = await clone.type('script/quickstart', []);
    assert.equal(started.code, 0, started.stdout + started.stderr);
    assert.equal((await clone.curl('hello.localhost')).status, 200);
  });

  it('restarts with other options, and reports a busy port and invalid options', async (t) => {
    const taken = createServer().listen(0, '127.0.0.1');
    t.after(() => taken.close());
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const refused = await clone.type('script/quickstart', ['--port', String(port)]);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      new RegExp(`Port ${String(port)} \\(the apps\\) is in use by another program\\.\\n {2}Stop that program, or`),
    );
    taken.close();
    await once(taken, 'close');
    const moved = await clone.type('script/quickstart', [
      '--port',
      String(port),
      '--trust-proxy',
      '127.0.0.1,10.0.0.0/8',
      '--egress',
      '10.0.0.0/8',
    ]);
    assert.equal(moved.code, 0, moved.stdout + moved.stderr);
    assert.match(moved.stdout, new RegExp(`http://hello\\.localhost:${String(port)} answers: 200 Hello`));
    const { proxy, network } = JSON.parse(
      await readFile(join(clone.dir, '.slipway', 'agent', 'agent.json'), 'utf8'),
    ) as AgentSettings;
    assert.deepEqual(proxy.trust, ['127.0.0.1', '10.0.0.0/8']);
    assert.deepEqual(network.egressAllow, [{ cidr: '10.0.0.0/8' }]);
    for (const [option, value] of [
      ['--port', '99999'],
      ['--ports', 'x'],
      ['--sandbox', 'docker'],
      ['--ports', '12001'],
      ['--egress', '10.0.0.0/8 or all'],
      ['--trust-proxy', 'front.example.com'],
    ] as const)
      assert.match(
        (await clone.type('script/quickstart', [option, value])).stderr,
        new RegExp(`\\nquickstart: .*${option}`),
        value,
      );
    const back = await clone.quickstart();
    assert.match(back.stdout, /the options changed: restarting everything/);
    assert.equal((await clone.curl('hello.localhost')).status, 200);
  });

  it('leaves nothing on the machine after --clean', async () => {
    assert.notDeepEqual(await clone.traces(), [], 'traces are found while it runs');
    const view = await viewOf(join(clone.dir, '.slipway'));
    assert.equal(existsSync(view), true, view);
    const cleaned = await clone.quickstart('--clean');
    assert.equal(cleaned.code, 0, cleaned.stdout + cleaned.stderr);
    assert.deepEqual(
      await eventually('all is gone', async () => ((await clone.traces()).length === 0 ? [] : undefined)),
      [],
    );
    assert.equal(existsSync(join(clone.dir, '.slipway')), false);
    assert.equal(existsSync(view), false, view);
  });
});
