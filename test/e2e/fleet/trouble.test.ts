import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { helloApp } from '../../support/fleet-user.ts';
import { ServerFleet } from '../../support/server-fleet.ts';
import type { Server } from '../../support/servers/server.ts';

const SQUATTER = `[Unit]
Before=slipway-agent.service
[Service]
ExecStart=/opt/slipway/current/node/bin/node -e 'require("net").createServer((socket) => socket.end()).listen(80)'
[Install]
WantedBy=multi-user.target
`;
/** What the removal of the packages takes away. */
const HAPROXY = '/usr/sbin/haproxy';
const LXC = '/usr/bin/lxc-execute';

describe('a problem that an agent cannot repair', { concurrency: false }, () => {
  let fleet: ServerFleet;
  let server: Server;

  before(async () => {
    fleet = await ServerFleet.start(['fra-1', 'fra-2'], { controller: { rollout: { settleMs: 500, bakeMs: 0 } } });
    await fleet.joinAll();
    server = fleet.servers.named('fra-1');
    const pushed = await (await fleet.fleet.me.repository('hello', helloApp('1'))).push('hello');
    assert.ok(pushed.ok, `${pushed.text}\n${await fleet.report()}`);
    await fleet.fleet.slipway('ps:scale', 'web=all', '-a', 'hello');
    await Promise.all(fleet.servers.list.map((each) => fleet.answer(each, 'hello')));
    await says('status', /^All is well\./);
  });
  after(() => fleet.stop());

  async function says(command: string, ...patterns: readonly RegExp[]): Promise<void> {
    let said = '';
    const isSaid = async (): Promise<boolean> => {
      said = await fleet.fleet.slipway(...command.split(' '));
      return patterns.every((pattern) => pattern.test(said));
    };
    await eventually(`${command} says ${patterns.join(', ')}`, isSaid).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${said}\n${await fleet.report()}`, { cause: error });
    });
    console.log(said.replace(/^(?=.)/gm, '    '));
  }

  it('is reported while a program of the machine is missing, with the app that gets no requests there', async () => {
    await server.sh(`mv ${HAPROXY} ${HAPROXY}.away; mv ${LXC} ${LXC}.away; pkill -KILL -x haproxy`);
    await says(
      'status',
      /Node fra-1: haproxy is missing: .*apt-get install haproxy/,
      /Node fra-1: lxc-execute is not installed: apt-get install lxc/,
      /Node fra-1: HAProxy is not running and did not start again\.\n +slipway why fra-1/,
    );
    assert.doesNotMatch(await fleet.fleet.slipway('status'), /open port 7405/);
    await says('why hello', /HAProxy is not running/, /So web\.\d is up there but gets no requests\./);
  });

  it('is the reported cause when an instance cannot start there, not the command of the app', async () => {
    await server.sh(`systemctl kill --signal=KILL 'slipway-sandbox-*.service'; pkill -KILL -f '^node server.js'`);
    await says('ps -a hello', /lxc-execute is not installed, so no instance can start on this node/);
  });

  it('ends when the program is installed again, without a restart of the agent', async () => {
    const pid = (): Promise<string> => server.sh('systemctl show --property=MainPID --value slipway-agent.service');
    const was = await pid();
    await server.sh(`mv ${HAPROXY}.away ${HAPROXY}; mv ${LXC}.away ${LXC}`);
    await says('status', /^All is well\./);
    assert.match(await fleet.answer(server, 'hello'), /^version=1 /);
    assert.equal(await pid(), was);
  });

  it('is reported for a node that does not connect after its boot, because another program uses its port', async () => {
    await server.sh('cat >/etc/systemd/system/squatter.service; systemctl enable --quiet squatter', [], {
      stdin: SQUATTER,
    });
    await server.reboot();
    const busy = 'The proxy cannot listen on port 80: another program already does\\.';
    await says('status', new RegExp(`Node fra-1 has been silent for .*\\. Its agent could not start: ${busy}`));
    await says(
      'why fra-1',
      new RegExp(`→ Its agent could not start: ${busy}`),
      /Next: on fra-1: See which one with `ss -ltnp/,
    );
    await server.sh('systemctl disable --now --quiet squatter');
    await says('status', /^All is well\./);
    await fleet.answer(server, 'hello');
  });
});
