import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { startHelloServer, type ServerFleet } from '../support/server-fleet.ts';
import type { Server } from '../support/servers/server.ts';

const STATE = '/var/lib/slipway';
const TRANSIENT = '/run/systemd/transient';

interface Damage {
  readonly what: string;
  /** Shell script that does it. */
  readonly done: string;
  /** Shell script that succeeds when it is undone. */
  readonly undone: string;
}

/** Done at once, because none of them touches what another is about: each round waits once for the agent to look at its machine. */
interface Round {
  readonly title: string;
  readonly damages: readonly Damage[];
  /** The very process must be the one that answers. */
  readonly sameProcess: boolean;
}

const VETHS = "ip -o link show type veth | sed -n 's/^[0-9]*: \\(slip0-[^p][^@]*\\)@.*/\\1/p'";

const ROUNDS: readonly Round[] = [
  {
    title: 'the bridge and files',
    sameProcess: true,
    damages: [
      { what: 'the bridge', done: 'ip link del slip0', undone: 'ip -4 addr show dev slip0 | grep -q inet' },
      {
        what: 'forwarding',
        done: 'echo 0 >/proc/sys/net/ipv4/ip_forward',
        undone: 'grep -qx 1 /proc/sys/net/ipv4/ip_forward',
      },
      {
        what: "the proxy's files",
        done: `find ${STATE}/proxy -maxdepth 1 -name '*.map' -delete; rm ${STATE}/proxy/haproxy.cfg`,
        undone: `test -s ${STATE}/proxy/haproxy.cfg && grep -q hello ${STATE}/proxy/*.map`,
      },
      {
        what: "the agent's own units and their place in the boot",
        done: 'cd /etc/systemd/system; rm slipway-agent.service slipway.slice multi-user.target.wants/slipway-agent.service; systemctl daemon-reload',
        undone: 'systemctl is-enabled slipway-agent.service && systemctl cat slipway.slice',
      },
    ],
  },
  {
    title: 'ports, rules and words',
    sameProcess: true,
    damages: [
      {
        what: "the bridge's permanent port",
        done: 'ip link del slip0-p0',
        undone: 'ip link show dev slip0-p0 | grep -q "master slip0"',
      },
      {
        what: 'every rule of the machine',
        done: 'nft flush ruleset',
        undone: 'nft list table inet slipway | grep -q closed4',
      },
      {
        what: 'the veths of the apps from the bridge',
        done: `${VETHS} | while read -r link; do ip link set "$link" nomaster; done`,
        undone: "ip -d link show master slip0 | grep -q 'isolated on'",
      },
      {
        what: "words of the proxy's configuration",
        done: `echo nonsense >${STATE}/proxy/haproxy.cfg`,
        undone: `grep -q '^backend' ${STATE}/proxy/haproxy.cfg`,
      },
      {
        what: 'the unit files of the proxy and the app',
        done: `rm ${TRANSIENT}/slipway-proxy-*.service ${TRANSIENT}/slipway-sandbox-*.service; systemctl daemon-reload`,
        undone: `for unit in 'slipway-proxy-*' 'slipway-sandbox-*'; do systemctl show --property=LoadState "$unit" | grep -qx LoadState=loaded || exit 1; done`,
      },
    ],
  },
  {
    title: 'cables, a table and the process of the proxy',
    sameProcess: true,
    damages: [
      {
        what: 'the veths of the apps',
        done: `${VETHS} | while read -r link; do ip link del "$link"; done`,
        undone: "ip -o link show master slip0 | grep -v 'slip0-p' | grep -q slip0-",
      },
      {
        what: 'the rules between apps and the machine',
        done: 'nft delete table inet slipway',
        undone: 'nft list table inet slipway | grep -q closed4',
      },
      { what: 'the process of the proxy', done: 'pkill -KILL -x haproxy', undone: 'pgrep -x haproxy' },
    ],
  },
  {
    title: 'names, mounts and the unit of the proxy',
    sameProcess: true,
    damages: [
      {
        what: 'the names of the network namespaces',
        done: 'for name in $(ip netns list | cut -d" " -f1); do ip netns del "$name"; done',
        undone: 'ip netns list | grep -q slip0-',
      },
      {
        what: 'the unit of the proxy',
        done: "systemctl stop 'slipway-proxy*.service'",
        undone: "systemctl is-active 'slipway-proxy*.service'",
      },
      {
        what: 'the mounts of the layers and the app',
        done: `sed -n 's,^[^ ]* [^ ]* [^ ]* [^ ]* \\(${STATE}/[^ ]*\\) .*,\\1,p' /proc/self/mountinfo | sort -r | xargs -r -n1 umount -l`,
        undone: `grep -q ' ${STATE}/.* squashfs ' /proc/self/mountinfo`,
      },
    ],
  },
  {
    title: 'the unit of the app',
    sameProcess: false,
    damages: [
      {
        what: 'the unit of the app',
        done: "systemctl stop 'slipway-sandbox-*.service'",
        undone: "systemctl is-active 'slipway-sandbox-*.service'",
      },
    ],
  },
  {
    title: 'the processes of the app',
    sameProcess: false,
    damages: [
      {
        what: 'the processes of the app',
        done: "systemctl kill --signal=KILL 'slipway-sandbox-*.service'; pkill -KILL -f '^node server.js'",
        undone: "systemctl is-active 'slipway-sandbox-*.service'",
      },
    ],
  },
];

describe('parts of a server that are removed while the agent runs', { concurrency: false }, () => {
  let fleet: ServerFleet;
  let server: Server;

  before(async () => {
    ({ fleet, server } = await startHelloServer());
  });
  after(() => fleet.stop());

  for (const { title, damages, sameProcess } of ROUNDS) {
    describe(title, { concurrency: false }, () => {
      let was: string;
      let damagedAtMs: number;

      it('serves before', async () => {
        was = await fleet.answer(server, 'hello');
        damagedAtMs = performance.now();
        await server.sh(damages.map(({ done }) => `(${done})`).join(' && '));
      });

      for (const { what, undone } of damages) {
        it(`${what} is back`, async () => {
          const isBack = async (): Promise<boolean> => (await server.exec(['/bin/sh', '-c', undone])).code === 0;
          await reported(() => eventually(`${what} is back`, isBack));
          console.log(`    ${what}: back after ${((performance.now() - damagedAtMs) / 1000).toFixed(1)} s`);
        });
      }

      it(`serves${sameProcess ? ', the very same process' : ''}`, async () => {
        const again = await reported(() => fleet.answer(server, 'hello'));
        if (sameProcess) assert.equal(again, was);
      });
    });
  }

  async function reported<T>(work: () => Promise<T>): Promise<T> {
    return work().catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${await fleet.report()}`, { cause: error });
    });
  }
});
