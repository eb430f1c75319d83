import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { VERSION } from '../../shared/kit/version.ts';
import { eventually } from './eventually.ts';
import { helloApp } from './fleet-user.ts';
import { Load } from './load.ts';
import { differences, listMachine } from './machine-listing.ts';
import { OfferedPrograms } from './offered-programs.ts';
import { ServerFleet } from './server-fleet.ts';
import type { Server } from './servers/server.ts';

const RATE_PER_S = 50;
const NAMES = ['ams-1', 'fra-1', 'fra-2'];
/** A package that the server lacks, from a source that needs no network: made of the files that are there. */
const LACKING = 'acl';
const TAKE_PACKAGE = `mkdir -p /srv/repo/tree/DEBIAN && cd /srv/repo
dpkg -L "$1" | while read -r path; do [ ! -f "$path" ] || cp --parents -a "$path" tree/; done
dpkg-query -s "$1" | grep -v ^Status >tree/DEBIAN/control
dpkg-deb -b tree own.deb >/dev/null && rm -r tree
{ dpkg-deb -f own.deb; echo "Filename: ./own.deb"; stat -c 'Size: %s' own.deb; sha256sum own.deb | sed 's/^\\(\\S*\\).*/SHA256: \\1/'; } >Packages
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/srv/repo ./' >/etc/apt/sources.list
dpkg --purge "$1" >/dev/null`;

/**
 * Upgrades under load, and what may go wrong with one.
 * @param isWhole also the parts that are long by nature: a version that cannot run is given its minute
 */
export function upgradeSuite({ isWhole }: { readonly isWhole: boolean }): void {
  describe('nodes:upgrade on three servers', { concurrency: false }, () => {
    let offered: OfferedPrograms;
    let fleet: ServerFleet;
    let found: readonly string[];
    let former: string;
    let failing: Promise<string>;

    before(async () => {
      offered = await OfferedPrograms.make();
      fleet = await ServerFleet.start(NAMES, {
        controller: { programsDir: offered.dir, rollout: { settleMs: 500, bakeMs: 0 } },
      });
      const leaving = fleet.servers.named('fra-2');
      await leaving.untilStarted();
      await leaving.sh(TAKE_PACKAGE, [LACKING]);
      found = await listMachine(leaving);
      await offered.prime(fleet.fleet.settings);
    });
    after(async () => {
      await fleet.stop();
      await offered.dispose();
    });

    async function slipway(...args: string[]): Promise<string> {
      const printed = await fleet.fleet.slipway(...args);
      console.log(printed.replace(/^(?=.)/gm, '    '));
      return printed;
    }

    const versions = (): Promise<string[]> => Promise.all(fleet.servers.list.map(running));
    const running = (server: Server): Promise<string> => server.sh('readlink /opt/slipway/current');
    /** Of the app on a server: its boot nonce, and the unit's process. */
    async function life(server: Server): Promise<string> {
      const pids = await server.sh("systemctl show --property=Id,MainPID 'slipway-sandbox-*'");
      return `${await fleet.answer(server, 'hello')} ${pids}`;
    }

    it('work with agents of the version before', async () => {
      former = await offered.offer({ version: '0.0.9', build: 'aaaaaaaaaaaa' });
      const took = await fleet.joinAll();
      console.log(
        `    joined, from the line to the session: ${took.map((ms) => `${(ms / 1000).toFixed(1)} s`).join(', ')}`,
      );
      assert.deepEqual(await versions(), [former, former, former]);
      const pushed = await (await fleet.fleet.me.repository('hello', helloApp('1'))).push('hello');
      assert.ok(pushed.ok, `${pushed.text}\n${await fleet.report()}`);
      await fleet.fleet.slipway('ps:scale', 'web=all', '-a', 'hello');
      const live = async (): Promise<boolean> =>
        (await fleet.instances('hello')).filter(({ state }) => state === 'live').length === 3;
      await eventually('it runs everywhere', live);
      assert.match(await slipway('status'), /^All is well\./);
    });

    it('upgrades one, then a quarter, then the rest; no app is restarted and no request fails', async () => {
      const wanted = await offered.offer({ version: VERSION, build: 'bbbbbbbbbbbb' });
      const before = await Promise.all(fleet.servers.list.map(life));
      const loads = await Promise.all(
        fleet.servers.list.map(({ address }) => Load.at({ address, port: 80, host: 'hello.localhost' }, RATE_PER_S)),
      );
      const startedAtMs = performance.now();
      const printed = await slipway('nodes:upgrade');
      console.log(`    three nodes, three waves: ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
      const seen = await Promise.all(loads.map((load) => load.stop()));
      const steps = printed.split('\n').filter((line) => line.startsWith('  '));
      const wave = (name: string, number: number): string[] => [
        `  ${name}  wave ${String(number)}: upgrading`,
        `  ${name}  done`,
      ];
      assert.deepEqual(steps, [...wave('ams-1', 1), ...wave('fra-1', 2), ...wave('fra-2', 3)]);
      assert.match(printed, /^3 of 3 nodes upgraded/m);
      assert.deepEqual(await versions(), [wanted, wanted, wanted]);
      assert.deepEqual(await Promise.all(fleet.servers.list.map(life)), before);
      console.log(`    ${String(seen.flatMap(({ bodies }) => bodies).length)} requests meanwhile`);
      assert.deepEqual(
        seen.flatMap(({ failures }) => failures),
        [],
      );
      former = wanted;
    });

    if (isWhole) {
      it('repairs a machine without a package when its line is run again; only the agent restarts', async () => {
        const mended = fleet.servers.named('fra-2');
        const agent = (): Promise<string> =>
          mended.sh('systemctl show --property=MainPID --value slipway-agent.service');
        const [pid, was] = [await agent(), await life(mended)];
        await mended.sh('dpkg --purge "$1" >/dev/null', [LACKING]);
        await fleet.join(mended);
        assert.match(await mended.sh(`dpkg-query -W -f '\${db:Status-Abbrev}' "$1"`, [LACKING]), /^ii/);
        assert.notEqual(await agent(), pid);
        assert.equal(await life(mended), was);
      });

      it('begins with one node, where a version that cannot run is given its 60 s', async () => {
        await offered.offer({
          version: VERSION,
          build: 'cccccccccccc',
          main: "console.error('cannot run'); process.exit(3);\n",
        });
        failing = slipway('nodes:upgrade');
        const asked = async (): Promise<boolean> =>
          (await running(fleet.servers.named('ams-1'))).endsWith('+cccccccccccc');
        await eventually('it is asked', asked);
      });

      it('restores the machine at --uninstall, with its packages', async () => {
        const leaving = fleet.servers.named('fra-2');
        assert.match(await leaving.sh(`dpkg-query -W -f '\${db:Status-Abbrev}' "$1"`, [LACKING]), /^ii/);
        const startedAtMs = performance.now();
        assert.match(
          await leaving.sh('exec sh /opt/slipway/current/install.sh --uninstall'),
          /^3\/3 Remove packages: acl .*\n.*slipway nodes:remove fra-2$/ms,
        );
        console.log(`    uninstalled in ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
        assert.deepEqual(differences(found, await listMachine(leaving)), []);
      });

      it('rolls back a version that cannot run, reports it, and does not upgrade the other nodes', async () => {
        const startedAtMs = performance.now();
        const printed = await failing;
        console.log(`    waited another ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
        assert.match(
          printed,
          new RegExp(
            `^  ams-1  failed: Agent ${escape(VERSION)}\\+cccccccccccc did not connect from this node, so ${escape(former)} runs again\\.$`,
            'm',
          ),
        );
        assert.match(printed, /^ !    The upgrade failed on ams-1\. \d nodes were left to upgrade\.$/m);
        const [ams, fra] = [fleet.servers.named('ams-1'), fleet.servers.named('fra-1')];
        assert.deepEqual([await running(ams), await running(fra)], [former, former]);
        assert.match(await fleet.answer(ams, 'hello'), /^version=1 /);
      });

      it('reports an agent newer than its controller with the next command, which repairs it', async () => {
        await fleet.fleet.slipway('nodes:remove', 'fra-2', '--force');
        const newer = await offered.offer({ version: '0.3.0', build: 'dddddddddddd' });
        const fra = fleet.servers.named('fra-1');
        await slipway('nodes:upgrade', 'fra-1');
        const sentence = new RegExp(
          `The agent of fra-1 \\(${escape(newer)}\\) is newer than this controller \\(${escape(VERSION)}\\)`,
        );
        for (const words of [['status'], ['nodes'], ['why', 'fra-1']]) {
          const said = await slipway(...words);
          assert.match(said, sentence);
          assert.match(said, /^ *(Next: )?slipway nodes:upgrade fra-1$/m);
        }
        assert.match(
          await fra.journal('slipway-agent.service'),
          new RegExp(`${sentence.source}.*slipway nodes:upgrade fra-1`),
        );
        const mended = await offered.offer({ version: VERSION, build: 'bbbbbbbbbbbb' });
        await slipway('nodes:upgrade', 'fra-1');
        assert.equal(await running(fra), mended);
        assert.match(await slipway('status'), /^All is well\./);
      });
    }
  });
}

function escape(text: string): string {
  return text.replace(/[.+]/g, '\\$&');
}
