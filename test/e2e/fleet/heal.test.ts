import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { helloApp } from '../../support/fleet-user.ts';
import { ServerFleet } from '../../support/server-fleet.ts';
import type { Server } from '../../support/servers/server.ts';

const LIMIT_MS = 10_000;
const STATE = '/var/lib/slipway';

interface Damage {
  readonly what: string;
  /** Shell script that does it. */
  readonly done: string;
  /** Shell script that succeeds when it is undone. */
  readonly undone: string;
  /** The very process must be the one that answers. */
  readonly sameProcess: boolean;
}

const DAMAGES: readonly Damage[] = [
  { what: 'the bridge', done: 'ip link del slip0', undone: 'ip -4 addr show dev slip0 | grep -q inet', sameProcess: true },
  {
    what: "the bridge's permanent port",
    done: 'ip link del slip0-p0',
    undone: 'ip link show dev slip0-p0 | grep -q "master slip0"',
    sameProcess: true,
  },
  {
    what: 'the rules between apps and the machine',
    done: 'nft delete table inet slipway',
    undone: 'nft list table inet slipway | grep -q closed4',
    sameProcess: true,
  },
  {
    what: 'every rule of the machine',
    done: 'nft flush ruleset',
    undone: 'nft list table inet slipway | grep -q closed4',
    sameProcess: true,
  },
  {
    what: 'the veths of the apps',
    done: 'ip -o link show type veth | sed -n \'s/^[0-9]*: \\(slip0-[^p][^@]*\\)@.*/\\1/p\' | while read -r link; do ip link del "$link"; done',
    undone: "ip -o link show master slip0 | grep -v 'slip0-p' | grep -q slip0-",
    sameProcess: true,
  },
  {
    what: 'the veths of the apps from the bridge',
    done: 'ip -o link show type veth | sed -n \'s/^[0-9]*: \\(slip0-[^p][^@]*\\)@.*/\\1/p\' | while read -r link; do ip link set "$link" nomaster; done',
    undone: "ip -d link show master slip0 | grep -q 'isolated on'",
    sameProcess: true,
  },
  {
    what: 'the names of the network namespaces',
    done: 'for name in $(ip netns list | cut -d" " -f1); do ip netns del "$name"; done',
    undone: 'ip netns list | grep -q slip0-',
    sameProcess: true,
  },
  {
    what: 'forwarding',
    done: 'echo 0 >/proc/sys/net/ipv4/ip_forward',
    undone: 'grep -qx 1 /proc/sys/net/ipv4/ip_forward',
    sameProcess: true,
  },
  {
    what: "the proxy's files",
    done: `find ${STATE}/proxy -maxdepth 1 -name '*.map' -delete; rm ${STATE}/proxy/haproxy.cfg`,
    undone: `test -s ${STATE}/proxy/haproxy.cfg && grep -q hello ${STATE}/proxy/*.map`,
    sameProcess: true,
  },
  {
    what: "words of the proxy's configuration",
    done: `echo nonsense >${STATE}/proxy/haproxy.cfg`,
    undone: `grep -q '^backend' ${STATE}/proxy/haproxy.cfg`,
    sameProcess: true,
  },
  { what: 'the process of the proxy', done: 'pkill -KILL -x haproxy', undone: 'pgrep -x haproxy', sameProcess: true },
  {
    what: 'the unit of the proxy',
    done: "systemctl stop 'slipway-proxy*.service'",
    undone: "systemctl is-active 'slipway-proxy*.service'",
    sameProcess: true,
  },
  {
    what: 'the mounts of the layers and the app',
    done: `sed -n 's,^[^ ]* [^ ]* [^ ]* [^ ]* \\(${STATE}/[^ ]*\\) .*,\\1,p' /proc/self/mountinfo | sort -r | xargs -r -n1 umount -l`,
    undone: `grep -q ' ${STATE}/.* squashfs ' /proc/self/mountinfo`,
    sameProcess: true,
  },
  {
    what: 'the unit of the app',
    done: "systemctl stop 'slipway-sandbox-*.service'",
    undone: "systemctl is-active 'slipway-sandbox-*.service'",
    sameProcess: false,
  },
  {
    what: 'the processes of the app',
    done: "systemctl kill --signal=KILL 'slipway-sandbox-*.service'; pkill -KILL -f '^node server.js'",
    undone: "systemctl is-active 'slipway-sandbox-*.service'",
    sameProcess: false,
  },
];

describe('what a server loses behind the agent', { concurrency: false }, () => {
  let fleet: ServerFleet;
  let server: Server;

  before(async () => {
    fleet = await ServerFleet.start(['fra-1'], { controller: { rollout: { settleMs: 500, bakeMs: 0 } } });
    await fleet.joinAll();
    [server] = fleet.servers.list as [Server];
    const pushed = await (await fleet.fleet.me.repository('hello', helloApp('1'))).push('hello');
    assert.ok(pushed.ok, `${pushed.text}\n${await fleet.report()}`);
  });
  after(() => fleet.stop());

  for (const { what, done, undone, sameProcess } of DAMAGES) {
    it(`${what} is back within 10 s`, async () => {
      const before = await fleet.answer(server, 'hello');
      const startedAtMs = performance.now();
      await server.sh(done);
      const isBack = async (): Promise<boolean> => (await server.exec(['/bin/sh', '-c', undone])).code === 0;
      try {
        await eventually(`${what} is back`, isBack, LIMIT_MS);
        const again = await fleet.answer(server, 'hello', LIMIT_MS - (performance.now() - startedAtMs));
        if (sameProcess) assert.equal(again, before);
      } catch (error) {
        throw new Error(`${String(error)}\n${await fleet.report()}`, { cause: error });
      }
      console.log(`    ${what}: back after ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
    });
  }
});
