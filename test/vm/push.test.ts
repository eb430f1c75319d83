import assert from 'node:assert/strict';
import type { Server } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { InstanceBody } from '../../shared/api/formation.ts';
import { eventually } from '../support/eventually.ts';
import { PROGRAMS_DIR, TestFleet } from '../support/fleet.ts';
import type { Repository } from '../support/fleet-user.ts';
import { ensureGuestImage, HOST_IN_GUEST } from './guest-image.ts';
import {
  agentMark,
  forwardWeb,
  groupFile,
  guestApp,
  installAgent,
  outputFile,
  refusedForks,
  runningSandbox,
  slipway,
  SLOW_MS,
  untilAgentIsBack,
  untilConnected,
} from './guest-node.ts';
import { Machine } from './machine.ts';

const PIDS_MAX = 256 + 8; // the app's, and the tool's own few

describe('a machine with its own kernel, systemd and cgroup v2', { concurrency: false }, () => {
  let fleet: TestFleet;
  let machine: Machine;
  let web: Server;
  let hello: Repository;
  const beganMs = performance.now();

  function say(line: string): void {
    console.log(`${((performance.now() - beganMs) / 1000).toFixed(0).padStart(4)} s  ${line}`);
  }

  before(async () => {
    const image = await ensureGuestImage(say);
    const rollout = { startTimeoutMs: SLOW_MS };
    machine = await Machine.create({ image });
    const controller = { publicHost: HOST_IN_GUEST, programsDir: PROGRAMS_DIR, rollout };
    fleet = await TestFleet.start({ agentElsewhere: true, listenHost: '0.0.0.0', controller });
    web = forwardWeb(fleet.ports.web);
    say('switching on');
    await machine.switchOn();
    say('booted');
    await installAgent(fleet, machine);
    say('joined');
    await untilConnected(fleet);
    say('connected');
    hello = await fleet.me.repository('hello', guestApp('1'));
  });
  after(async () => {
    await machine.dispose();
    await fleet.stop();
    web.close();
  });

  async function push(): Promise<string> {
    const pushed = await hello.startPush('hello').result;
    assert.ok(
      pushed.ok,
      `${pushed.text}\n${fleet.logs()}\n${await machine.sh('journalctl --unit slipway-agent --lines 40 --output cat')}`,
    );
    return pushed.text;
  }

  async function body(path = '/'): Promise<string> {
    return (await fleet.site.get('hello', path)).body;
  }

  /** The app's answer, as soon as there is one. */
  function answer(): Promise<string> {
    const look = async (): Promise<string | undefined> => {
      const found = await fleet.site.get('hello').catch(() => undefined);
      return found?.status === 200 ? found.body : undefined;
    };
    return eventually('the app answers', look, SLOW_MS);
  }

  it('is one', async () => {
    assert.equal(await machine.sh('stat -f -c %T /sys/fs/cgroup; cat /proc/1/comm'), 'cgroup2fs\nsystemd');
    assert.match(await machine.sh('uname -rv'), /^6\.1\.\S+-uml /);
    assert.equal(await machine.sh('systemctl show -P ActiveState slipway-agent slipway-proxy-*'), 'active\n\nactive');
  });

  it('takes a push and serves the app through its port 80', async () => {
    const text = await push();
    say('pushed');
    console.log(text.replace(/^/gm, '    '));
    assert.match(text, /Released v1 · live on 1 node/);
    assert.match(await answer(), /^version=1 /);
  });

  it('runs the app as a unit in a slice of its own, with its limits in the unified hierarchy', async () => {
    const id = await runningSandbox(machine);
    const show = 'systemctl show -P ControlGroup "slipway-sandbox-$1.service"';
    assert.equal(await machine.sh(show, [id]), `/slipway.slice/slipway-sandbox-${id}.service`);
    assert.equal(await groupFile(machine, id, 'memory.max'), String(512 * 1024 * 1024));
    // the bound of the agent's unit does not count the app
    assert.match(await machine.sh('systemctl show -P MemoryMax slipway-agent'), /^\d+$/);
    assert.match(
      await machine.sh('cat "/proc/$(head -n 1 "/sys/fs/cgroup/slipway/$1/app/cgroup.procs")/cgroup"', [id]),
      /^0::\/slipway\/[^/]+\/app$/,
    );
    assert.equal(await groupFile(machine, id, 'pids.max'), String(PIDS_MAX));
    const command =
      'for pid in $(cat "/sys/fs/cgroup/slipway/$1/app/cgroup.procs"); do tr "\\0" " " <"/proc/$pid/cmdline"; echo; done';
    assert.match(await machine.sh(command, [id]), /^node server\.js ?$/m);
  });

  it('shows the app neither root nor the machine', async () => {
    assert.match(await body('/id'), /^uid=1000\(app\) gid=1000\(app\) groups=1000\(app\)$/m);
    assert.doesNotMatch(await body('/ps'), /systemd|haproxy|agent\/main/);
    assert.equal(await body('/look?path=/var/lib/slipway'), 'ENOENT');
    assert.equal(await body('/look?path=/opt/slipway'), 'ENOENT');
  });

  it('stops a fork bomb at pids.max, and the app lives on', async () => {
    const before = await answer();
    const id = await runningSandbox(machine);
    assert.equal(await body('/fork-bomb'), 'lit');
    const refused = async (): Promise<boolean> => (await refusedForks(machine, id)) > 0;
    await eventually('a fork is refused', refused, SLOW_MS);
    assert.ok(Number(await groupFile(machine, id, 'pids.current')) <= PIDS_MAX);
    assert.equal(await answer(), before);
    await eventually(
      'the bomb is over',
      async () => Number(await groupFile(machine, id, 'pids.current')) < 20,
      SLOW_MS,
    );
  });

  it('gives an app no more than its part of a processor', async () => {
    const former = await runningSandbox(machine);
    await fleet.api('PATCH', '/apps/hello/formation/web/limits', { cpuMillis: 250 });
    const alone = async (): Promise<string | undefined> => {
      const id = await runningSandbox(machine);
      return id.includes('\n') || id === former ? undefined : id;
    };
    const id = await eventually('only the one with the limit runs', alone, SLOW_MS);
    assert.equal(await groupFile(machine, id, 'cpu.max'), '25000 100000');
    const before = await timesThrottled(id);
    await body('/burn');
    assert.ok((await timesThrottled(id)) > before);
  });

  async function timesThrottled(id: string): Promise<number> {
    return Number(/^nr_throttled (\d+)$/m.exec(await groupFile(machine, id, 'cpu.stat'))?.[1]);
  }

  it('ends an app that outgrows its memory, says so, and starts it again', async () => {
    const before = await answer();
    fleet.site.get('hello', '/eat').catch(() => undefined); // it dies with the app
    const killed = async (): Promise<boolean> => {
      const [web] = (await fleet.api('GET', '/apps/hello/ps')) as InstanceBody[];
      return web?.lastExit?.oomKilled === true;
    };
    await eventually('the kill is reported', killed, SLOW_MS);
    const line = 'web.1 was killed: it used more memory than its limit of 512 MB.';
    await eventually(
      'the log says so',
      async () => (await slipway(fleet, 'logs', '-a', 'hello')).includes(line),
      SLOW_MS,
    );
    await eventually('another life answers', async () => (await answer()) !== before, SLOW_MS);
    say('out of memory and back');
  });

  it('keeps the very process when the unit of the agent is restarted or killed, and when systemd itself is', async () => {
    const before = await answer();
    const mark = await agentMark(machine);
    await machine.sh('systemctl restart slipway-agent');
    assert.equal(await answer(), before);
    await machine.sh('systemctl kill --signal=KILL slipway-agent && systemctl daemon-reexec');
    assert.equal(await answer(), before);
    await untilAgentIsBack(machine, mark);
    assert.equal(await answer(), before);
    assert.equal(await groupFile(machine, await runningSandbox(machine), 'memory.max'), String(512 * 1024 * 1024));
    say('agent restarted and killed');
  });

  it('serves again after a power cut, without its controller', async () => {
    const before = await answer();
    await fleet.endController();
    await machine.pullPowerCord();
    await assert.rejects(fleet.site.get('hello'));
    say('power cut');
    await machine.switchOn();
    const again = await answer();
    assert.match(again, /^version=1 /);
    assert.notEqual(again, before);
    const id = await runningSandbox(machine);
    assert.equal(await groupFile(machine, id, 'memory.max'), String(512 * 1024 * 1024));
    say('serves again');
  });

  it('is known to the controller again, and takes the next push', async () => {
    await fleet.startController();
    await untilConnected(fleet);
    await eventually(
      'the app is known to be up',
      async () => /^hello +v1 +1\/1/m.test(await slipway(fleet, 'status')),
      SLOW_MS,
    );
    assert.match(await slipway(fleet, 'status'), /^All is well/);
    await hello.commit(guestApp('2'));
    await push();
    assert.match(await answer(), /^version=2 /);
    say('pushed again');
  });

  it('tells the app to stop when it shuts down', async () => {
    // the one that the last push replaced stays warm for a while
    const alone = async (): Promise<string | undefined> => {
      const id = await runningSandbox(machine);
      return id.includes('\n') ? undefined : id;
    };
    const id = await eventually('one sandbox runs', alone, SLOW_MS);
    const tookMs = await machine.shutDown(SLOW_MS);
    say(`shut down in ${(tookMs / 1000).toFixed(0)} s`);
    assert.match(await machine.readWhenOff(outputFile(id)), /told to stop/);
  });
});
