import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { FLOWS_MAX } from '../../agent/sandbox/network/rules.ts';
import type { Sandbox, SandboxSpec } from '../../agent/sandbox/port.ts';
import { REAL_WORKLOADS, greeting } from '../contract/sandbox.ts';
import { eventually } from './eventually.ts';
import { MB, openSandboxLab, type SandboxLab } from './sandbox-lab.ts';
import { MESH_PORT, privateNetworkTests } from './private-networks.ts';
import { sharedKernelTests } from './shared-kernel.ts';

const PROBE = join(import.meta.dirname, '..', 'fixtures', 'sandbox', 'probe.pl');
const BRIDGE_NF = '/proc/sys/net/bridge/bridge-nf-call-iptables';
const perl = (script: string): string[] => ['/usr/bin/perl', '-e', script];

/** Attempts to leave the sandbox. All must fail. */
export function sandboxSecurity(kind: Sandbox['kind']): void {
  describe(`walls of sandbox ${kind}`, { concurrency: false }, () => {
    let lab: SandboxLab;
    let closedPort: Server;
    let openPort: Server;
    const hostAddress = outwardAddress();
    before(async () => {
      [closedPort, openPort] = await Promise.all([listen(), listen()]);
      lab = await openSandboxLab(kind, {
        egressAllow: [{ cidr: `${hostAddress}/32`, port: portOf(openPort) }],
        meshPort: MESH_PORT,
      });
    });
    after(async () => {
      closedPort.close();
      openPort.close();
      await lab.close();
    });

    for (const purpose of ['app', 'build'] as const) {
      it(`gives a hostile ${purpose} nothing`, { skip: process.arch !== 'x64' }, async () => {
        const gateway = lab.config.subnet.replace(/\.\d+\/\d+$/, '.1');
        const port = String(portOf(closedPort));
        const closed = [
          `${gateway}:${port}`,
          `${hostAddress}:${port}`,
          '169.254.169.254:80',
          '10.0.0.1:80',
          '192.168.0.1:80',
          '100.100.100.200:80',
          '192.0.0.192:80',
          '168.63.129.16:80',
        ];
        const { output } = await lab.finish({
          purpose,
          readOnlyBinds: { [PROBE]: '/probe/probe.pl' },
          argv: ['/usr/bin/perl', '/probe/probe.pl'],
          env: {
            PATH: '/usr/bin:/bin',
            HOME: '/app',
            PROBE_CLOSED: closed.join(','),
            PROBE_OPEN: `${hostAddress}:${String(portOf(openPort))}`,
            PROBE_HOST_FILES: [join(lab.dir, 'secret')].join(':'),
            PROBE_HOST_PATHS: [lab.dir, lab.config.stateDir, import.meta.dirname, '/root/.ssh'].join(':'),
          },
        });
        const steps = output.split('\n').filter((line) => line.includes('\t'));
        assert.match(output, /probe done/);
        assert.ok(steps.length > 100, `${String(steps.length)} steps`);
        assert.deepEqual(
          steps.filter((line) => line.split('\t')[1] === 'open'),
          [],
        );
      });
    }

    for (const setting of ['0', '1']) {
      it(`keeps apps apart with bridge-nf-call-iptables at ${setting}`, async (t) => {
        const before = readText(BRIDGE_NF);
        if (before === undefined && setting === '1') {
          t.skip('br_netfilter is not loaded');
          return;
        }
        if (before !== undefined) writeFileSync(BRIDGE_NF, setting);
        try {
          const victim = await lab.run(REAL_WORKLOADS.listen());
          await eventually('this machine reaches it', async () => (await greeting(victim.address, 5000)) !== '');
          const probe = lab.spec();
          const { output } = await lab.finish({
            ...probe,
            readOnlyBinds: { [PROBE]: '/probe/probe.pl' },
            argv: ['/usr/bin/perl', '/probe/probe.pl'],
            env: { PATH: '/usr/bin:/bin', HOME: '/app', PROBE_CLOSED: `${victim.address}:5000` },
          });
          assert.match(output, new RegExp(`connect ${victim.address}:5000\tdenied`));
          await lab.sandbox.forget(victim.id);
        } finally {
          if (before !== undefined) writeFileSync(BRIDGE_NF, before);
        }
      });
    }

    it('gives a sandbox without egress no way out, and this machine a way in', async () => {
      const target = `${hostAddress}:${String(portOf(openPort))}`;
      const { output } = await lab.finish(probeOf({ PROBE_CLOSED: target }, { egress: false }));
      assert.match(output, new RegExp(`connect ${target}\tdenied`));
      const server = await lab.run({ ...REAL_WORKLOADS.listen(), egress: false });
      await eventually('this machine reaches it', async () => (await greeting(server.address, 5000)) !== '');
      await lab.sandbox.forget(server.id);
    });

    it('bounds the open flows of a sandbox, so that none fills the table that all share', async () => {
      const counter = createSocket({ type: 'udp4', recvBufferSize: 16 * MB });
      let arrived = 0;
      counter.on('message', () => (arrived += 1));
      counter.bind(portOf(openPort), hostAddress);
      await once(counter, 'listening');
      const sendFrom = (first: number, last: number): string[] =>
        perl(`use Socket; my $to = sockaddr_in(${String(portOf(openPort))}, inet_aton("${hostAddress}"));
          for my $port (${String(first)} .. ${String(last)}) {
            socket(my $s, PF_INET, SOCK_DGRAM, 17) or die "socket $!";
            bind($s, sockaddr_in($port, INADDR_ANY)) or die "bind $!";
            send($s, "x", 0, $to);
          }`);
      const { output } = await lab.finish({ argv: sendFrom(20_000, 20_000 + FLOWS_MAX + 2_000) });
      assert.equal(output, '');
      await eventually('what was sent to arrive', () => arrived >= FLOWS_MAX);
      await lab.finish({ argv: sendFrom(9_000, 9_000) });
      await eventually('another sandbox to get through', () => arrived >= FLOWS_MAX + 1);
      counter.close();
      assert.equal(arrived, FLOWS_MAX + 1);
    });

    privateNetworkTests(() => lab);
    sharedKernelTests(() => lab);

    it('stops a fork bomb at its limit', async () => {
      const { output } = await lab.finish({
        argv: perl(
          '$| = 1; my $n = 0; while (defined(my $p = fork)) { if (!$p) { sleep 1000; exit } last if ++$n > 500 } print "$n\\n"; kill 9, -1',
        ),
      });
      assert.ok(Number(output) > 10 && Number(output) < 80, output);
    });

    it('runs no more than its part of a processor', async () => {
      const { output } = await lab.finish({
        limits: { ...lab.spec().limits, cpuMillis: 200 },
        argv: perl(
          'my ($from, @used) = time; do { @used = times } until $used[0] + $used[1] >= 0.8; print time - $from, "\n"',
        ),
      });
      // 0.8 s of a processor are 4 s by the clock, which counts whole seconds. A busy machine needs longer.
      assert.ok(Number(output) >= 3, `${output} s for 0.8 s of a processor`);
    });

    it('kills a process that uses more memory than its limit, and reports it', async () => {
      const { status } = await lab.finish({
        argv: perl(`my @a; push @a, "x" x ${String(MB)} while @a < 400; sleep 5`),
      });
      assert.deepEqual(
        [status.exit?.signal, status.exit?.oomKilled, status.exit?.oomOfNode],
        ['SIGKILL', true, undefined],
      );
    });

    it('lets a process have half its memory', async () => {
      const { status } = await lab.finish({
        argv: perl(`open(my $f, '<', '/dev/zero'); sysread($f, my $a, ${String(64 * MB)}); exit 3`),
      });
      assert.deepEqual([status.exit?.code, status.exit?.oomKilled], [3, false]);
    });

    it('bounds the bytes of /app and /tmp together', async () => {
      const { output } = await lab.finish({
        argv: [
          '/bin/sh',
          '-c',
          'head -c 20000000 /dev/zero > /app/a && echo first; head -c 20000000 /dev/zero > /tmp/b 2>/dev/null || echo full; du -sb /app /tmp | cut -f1',
        ],
      });
      const [first, full, app = '', tmp = ''] = output.split('\n');
      assert.deepEqual([first, full], ['first', 'full']);
      assert.ok(Number(app) + Number(tmp) < 36 * MB && Number(app) + Number(tmp) > 30 * MB, output);
    });

    it('bounds the number of files', async () => {
      const { output } = await lab.finish({
        argv: perl('my $n = 0; while (open(my $f, ">", "/tmp/f$n")) { last if ++$n > 5000 } print "$n $!\\n"'),
      });
      const [count, ...reason] = output.trim().split(' ');
      assert.ok(Number(count) > 1900 && Number(count) < 2050, output);
      assert.equal(reason.join(' '), 'No space left on device');
    });

    it('mounts nothing with working set-user-id bits or devices', async () => {
      const { output } = await lab.finish({
        purpose: 'build',
        readOnlyBinds: { [PROBE]: '/probe/probe.pl' },
        argv: [
          '/bin/sh',
          '-c',
          'grep -cE " /(app|tmp|usr|etc|probe|run/slipway)[/ ]" /proc/mounts; grep -E " /(app|tmp|usr|etc|probe|run/slipway)[/ ]" /proc/mounts | grep -v nosuid,nodev',
        ],
      });
      const [count, ...open] = output.trim().split('\n');
      assert.ok(Number(count) > 6, output);
      assert.deepEqual(open, []);
    });

    it('shows a process only the processes of its sandbox', async () => {
      const { output } = await lab.finish({ argv: ['/bin/sh', '-c', 'ps -eo user= | sort -u; id -u; hostname'] });
      assert.deepEqual(output.trim().split('\n'), ['app', '1000', 'lab-app-web-1']);
    });
  });
}

function probeOf(env: Readonly<Record<string, string>>, more: Partial<SandboxSpec>): Partial<SandboxSpec> {
  const argv = ['/usr/bin/perl', '/probe/probe.pl'];
  return {
    ...more,
    readOnlyBinds: { [PROBE]: '/probe/probe.pl' },
    argv,
    env: { PATH: '/usr/bin:/bin', HOME: '/app', ...env },
  };
}

async function listen(): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end('host\n');
  });
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** An address of this machine that is not loopback, so that a sandbox could route to it. */
function outwardAddress(): string {
  const found = Object.values(networkInterfaces())
    .flat()
    .find((entry) => entry?.family === 'IPv4' && !entry.internal);
  return found?.address ?? '127.0.0.1';
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
