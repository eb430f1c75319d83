import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, it } from 'node:test';
import type { EgressTable } from '../../shared/domain/egress.ts';
import type { AppName } from '../../shared/domain/names.ts';
import { eventually } from './eventually.ts';
import { openPrivateMachine, type PrivateMachine } from './private-machine.ts';
import { readLog, type SandboxLab } from './sandbox-lab.ts';

/** Of the proxies, for requests between nodes. */
export const MESH_PORT = 7405;

const BRIDGE_NF = '/proc/sys/net/bridge/bridge-nf-call-iptables';
const shop = { app: 'shop' as AppName, uidBase: 0x3000_0000 + 2001 * 65_536 };
/** Another app with the same name, created after a destroy. Both run at the same time for a moment. */
const later = { app: shop.app, uidBase: shop.uidBase + 65_536 };

/** Reports again and again whether a new connection and the first connection are answered. */
const WATCH = `use Socket; $| = 1; my ($address, $port, $rounds) = @ARGV; my $kept;
sub answers { my $s = shift; syswrite($s, "x") && sysread($s, my $got, 1) }
for (my $n = 1; !$rounds || $n <= $rounds; $n++) {
  socket(my $s, PF_INET, SOCK_STREAM, 0) or die;
  my $new = connect($s, sockaddr_in($port, inet_aton($address))) && answers($s) ? "open" : "closed";
  my $old = $kept ? (answers($kept) ? "kept" : "cut") : "none";
  $kept ||= $s if $new eq "open";
  print "$new $old\\n"; select undef, undef, undef, 0.1 unless $rounds;
}`;

/** What `slipway egress` opens, with the sandboxes of two apps and a machine in a private network. */
export function privateNetworkTests(get: () => SandboxLab): void {
  let machine: PrivateMachine;
  before(async () => (machine = await openPrivateMachine([MESH_PORT])));
  after(() => machine.close());

  const watch = (port = machine.port, rounds = 0): readonly string[] => {
    return ['/usr/bin/perl', '-e', WATCH, machine.address, String(port), String(rounds)];
  };
  const table = (fields: Partial<EgressTable>): EgressTable => ({ fleet: [], apps: [], ...fields });
  const opened = (): EgressTable => table({ apps: [{ ...shop, cidrs: [`${machine.address}/32`] }] });
  const set = (egress: EgressTable): Promise<void> | undefined => get().sandbox.setEgress?.(egress);

  for (const setting of ['0', '1']) {
    it(`opens a private network to one app or to all, while they run, with bridge-nf-call-iptables at ${setting}`, async (t) => {
      const former = readIfThere(BRIDGE_NF);
      if (former === undefined && setting === '1') {
        t.skip('br_netfilter is not loaded');
        return;
      }
      if (former !== undefined) writeFileSync(BRIDGE_NF, setting);
      const { sandbox, run, finish } = get();
      const ids = {
        shop: (await run({ ...shop, argv: watch() })).id,
        later: (await run({ ...later, argv: watch() })).id,
      };
      const linesOf = (app: 'shop' | 'later'): string[] => readLog(sandbox.logDir(ids[app])).trim().split('\n');
      /** The next reports of both. A line that had started before does not count. */
      const both = async (wanted: { readonly shop: string; readonly later: string }): Promise<void> => {
        for (const app of ['shop', 'later'] as const) {
          await eventually(`${app} to say ${wanted[app]}`, () => linesOf(app).at(-1) === wanted[app]);
          const seen = linesOf(app).length;
          await eventually(`${app} to try again`, () => linesOf(app).length >= seen + 2);
          assert.deepEqual([...new Set(linesOf(app).slice(seen))], [wanted[app]]);
        }
      };
      try {
        await both({ shop: 'closed none', later: 'closed none' });
        await set(opened());
        await both({ shop: 'open kept', later: 'closed none' });
        assert.equal((await finish({ purpose: 'build', ...shop, argv: watch(machine.port, 1) })).output, 'open none\n');
        assert.equal(
          (await finish({ purpose: 'build', ...later, argv: watch(machine.port, 1) })).output,
          'closed none\n',
        );
        await set(table({ fleet: [`${machine.address}/32`] }));
        await both({ shop: 'open kept', later: 'open kept' });
        await set(table({}));
        await both({ shop: 'closed kept', later: 'closed kept' });
      } finally {
        if (former !== undefined) writeFileSync(BRIDGE_NF, former);
        for (const id of Object.values(ids)) await sandbox.forget(id);
      }
    });
  }

  it('keeps sandboxes, the node and the ports between nodes closed in a large network that is opened', async () => {
    const { sandbox, config, run, finish } = get();
    const other = await run({ ...later, argv: ['/usr/bin/perl', '-MSocket', '-e', LISTEN] });
    await eventually('the other sandbox to listen', async () =>
      (await sandbox.listeners(other.id)).some(({ port }) => port === 5000),
    );
    await set(table({ fleet: ['10.0.0.0/8'] }));
    const gateway = config.subnet.replace(/\.\d+\/\d+$/, '.1');
    const targets = [
      `${other.address}:5000`,
      `${gateway}:22`,
      `${gateway}:5000`,
      `${machine.address}:${String(MESH_PORT)}`,
    ];
    // Only what must be open may take long.
    const tries = `use Socket; my $seconds = 2; for (@ARGV, "${machine.address}:${String(machine.port)}") { my ($a, $p) = split /:/; socket(my $s, PF_INET, SOCK_STREAM, 0);
      $seconds = 60 if $p == ${String(machine.port)}; local $SIG{ALRM} = sub { die }; eval { alarm $seconds; print connect($s, sockaddr_in($p, inet_aton($a))) ? "open\\n" : "closed\\n" }; print "closed\\n" if $@; }`;
    const { output } = await finish({ ...shop, argv: ['/usr/bin/perl', '-e', tries, ...targets] });
    await set(table({}));
    await sandbox.forget(other.id);
    assert.deepEqual(output.trim().split('\n'), ['closed', 'closed', 'closed', 'closed', 'open']);
  });

  it('stays open while the agent is replaced, and is closed to the next sandbox with the same address', async () => {
    const lab = get();
    await set(opened());
    const { id, address } = await lab.run({ ...shop, argv: watch() });
    const lines = (): string[] => readLog(lab.sandbox.logDir(id)).trim().split('\n');
    await eventually('the app to get through', () => lines().at(-1) === 'open kept');
    const seen = lines().length;
    const next = await lab.reopen((driver) => driver.setEgress?.(opened()));
    await next.ensureHost();
    const before = lines().length;
    await eventually('further tries', () => lines().length >= before + 2);
    assert.deepEqual([...new Set(lines().slice(seen))], ['open kept']);
    const isOpen = async (): Promise<boolean> => (await lab.rules()).includes(`${address} . `);
    assert.equal(await isOpen(), true);
    await next.forget(id);
    assert.equal(await isOpen(), false);
    await next.setEgress?.(table({}));
  });
}

const LISTEN = `socket(my $s, PF_INET, SOCK_STREAM, 0); bind($s, sockaddr_in(5000, INADDR_ANY)); listen($s, 5); sleep 3600`;

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
