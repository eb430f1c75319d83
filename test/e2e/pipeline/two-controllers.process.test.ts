import assert from 'node:assert/strict';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { run } from '../../../shared/kit/exec.ts';
import { eventually } from '../../support/eventually.ts';
import { FleetProgram } from '../../support/fleet-program.ts';
import { PRODUCT_DIR, TestFleet } from '../../support/fleet.ts';
import { helloApp, type Repository } from '../../support/fleet-user.ts';

const NOBODY = 65_534;

describe('two controllers', { concurrency: false }, () => {
  let fleet: TestFleet;
  let hello: Repository;
  let copy: FleetProgram;
  let copyDir: string;
  before(async () => {
    const rollout = { settleMs: 200, bakeMs: 200 };
    fleet = await TestFleet.start({
      sandbox: 'process',
      controller: { rollout },
      ...(process.getuid?.() === 0 ? { agentUid: NOBODY } : {}),
    });
    hello = await fleet.me.repository('hello', helloApp('1'));
    const pushed = await hello.push('hello');
    assert.ok(pushed.ok, pushed.text);
    copyDir = join(fleet.dir, 'copy');
    copy = new FleetProgram('controller', copyDir);
  });
  after(async () => {
    await copy.end('SIGTERM');
    await fleet.stop();
  });

  const settings = async (): Promise<object> =>
    JSON.parse(await readFile(join(fleet.dir, 'controller.json'), 'utf8')) as object;
  const serves = async (version: string): Promise<boolean> => {
    const answer = await fleet.site.get('hello').catch(() => undefined);
    return answer?.status === 200 && answer.body.startsWith(`version=${version} `);
  };

  it('a second one on the same state folder does not start, and names the process of the first', async () => {
    const other = { ...(await settings()), ssh: { port: 0 }, api: { port: 0 }, agents: { port: 0 } };
    await writeFile(join(fleet.dir, 'second.json'), JSON.stringify(other));
    const args = ['controller/main.ts', 'serve', '--config', join(fleet.dir, 'second.json')];
    const second = await run({ file: process.execPath, args, cwd: PRODUCT_DIR, timeoutMs: 240_000 });
    assert.notEqual(second.code, 0);
    const pid = String(fleet.controllerPid);
    assert.match(
      second.stderr,
      new RegExp(`A controller is already running on ${join(fleet.dir, 'controller')} \\(pid ${pid}\\)\\.`),
    );
    assert.match(
      second.stderr,
      new RegExp(`Stop it first \\(kill ${pid}\\), or give this one a state folder of its own\\.`),
    );
    assert.match(await fleet.slipway('status'), /^All is well/);
  });

  it('nodes do not follow a controller on a copy of the folder, and status reports it', async () => {
    await fleet.endController();
    await mkdir(copyDir);
    await cp(join(fleet.dir, 'controller'), join(copyDir, 'controller'), { recursive: true });
    await writeFile(
      join(copyDir, 'controller.json'),
      JSON.stringify({ ...(await settings()), stateDir: join(copyDir, 'controller') }),
    );
    await fleet.startController();
    await eventually('the agent obeys the original', async () =>
      (await fleet.slipway('status')).startsWith('All is well'),
    );
    await fleet.endController();
    // As when the copy is started on a machine that has taken over the address.
    await copy.start('serve', {});
    const refused =
      'Node node-1 does not follow this controller. Two controllers with the same history are running. This node follows';
    await eventually('status says so', async () => (await fleet.slipway('status')).includes(refused));
    assert.match(
      await fleet.slipway('why', 'node-1'),
      /Next: Stop the copy\. Then restart the controller that you want to keep\./,
    );
    assert.match(
      await readFile(join(fleet.dir, 'agent.log'), 'utf8'),
      /SLIP_DESIRED_OTHER_CONTROLLER.*session\.desired_state_refused/,
    );
    await hello.commit(helloApp('2'));
    const pushed = await hello.push('hello');
    assert.ok(!pushed.ok);
    assert.match(pushed.text, /web\.1 cannot be placed: node-1: it refuses changes of this controller/);
    assert.ok(await serves('1'));
  });

  it('nodes follow the original again when the copy is stopped', async () => {
    await copy.end('SIGKILL');
    await fleet.startController();
    await eventually('all is well', async () => (await fleet.slipway('status')).startsWith('All is well'));
    const pushed = await hello.push('hello');
    assert.ok(pushed.ok, pushed.text);
    assert.ok(await serves('2'));
  });

  it('nodes follow an older database when the operator declares it restored, and route new domains', async () => {
    await fleet.endController();
    const declared = await run({ ...copy.command('restored'), timeoutMs: 240_000 });
    assert.equal(declared.code, 0, declared.stderr);
    assert.match(declared.stdout, /is now the valid database, and every node will accept it\. Start the controller/);
    await copy.start('serve', {});
    await eventually('what the backup knew as current', () => serves('1'));
    assert.match(
      await fleet.slipway('domains:add', 'www.shop.example', '-a', 'hello'),
      /^Added www\.shop\.example to hello\./,
    );
    await eventually('the new domain', async () => (await fleet.site.getHost('www.shop.example')).status === 200);
  });
});
