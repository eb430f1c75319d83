import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { detectCgroups } from '../../agent/sandbox/cgroup/detect.ts';
import { hierarchiesOf } from '../../agent/sandbox/cgroup/hierarchies.ts';
import { parseMountInfo } from '../../agent/sandbox/files/mounts.ts';
import { TERMINALS_MAX } from '../../agent/sandbox/policy.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { run, runOk } from '../../shared/kit/exec.ts';
import { eventually } from './eventually.ts';
import { MB, readLog, type SandboxLab } from './sandbox-lab.ts';

const perl = (script: string): string[] => ['/usr/bin/perl', '-e', script];

/** Shared kernel resources that a sandbox must not use up. The numbers are small, so that no test reaches the limits of the machine. */
export function sharedKernelTests(lab: () => SandboxLab): void {
  it('uses no entry of the shared neighbour table', async () => {
    const { bridge, subnet } = lab().config;
    const prefix = subnet.replace(/\d+\/\d+$/, '');
    // plain, on the link without a gateway (SO_DONTROUTE, SO_BINDTODEVICE), multicast, IPv6 multicast
    const script = `use Socket; use Socket qw(AF_INET6 pack_sockaddr_in6 inet_pton); my ($eth, $sent) = ("eth0\\0", 0);
      socket(my $plain, PF_INET, SOCK_DGRAM, 17); socket(my $link, PF_INET, SOCK_DGRAM, 17); socket(my $six, AF_INET6, SOCK_DGRAM, 17);
      setsockopt($link, SOL_SOCKET, 25, $eth); setsockopt($link, SOL_SOCKET, 5, pack("i", 1)); setsockopt($six, SOL_SOCKET, 25, $eth);
      for my $n (100 .. 199) {
        for my $to ("${prefix}$n", "203.0.113.$n", "239.1.2.$n") { for my $s ($plain, $link) { $sent += defined send($s, "x", 0, sockaddr_in(9, inet_aton($to))) } }
        send($six, "x", 0, pack_sockaddr_in6(9, inet_pton(AF_INET6, "ff02::1:$n")));
      }
      $| = 1; print "sent $sent\\n"; sleep 3600`;
    const ofBridge = async (): Promise<string> =>
      (await runOk(run, { file: 'ip', args: ['neigh', 'show', 'dev', bridge] })).stdout;
    const before = (await ofBridge()).split('\n').length;
    const { id } = await lab().run({ argv: perl(script) });
    await eventually('all is sent', () => readLog(lab().sandbox.logDir(id)).includes('sent '));
    const [pid] = await (await detectCgroups(lab().config.name, systemClock))!.pids(id);
    const inside = await runOk(run, {
      file: 'nsenter',
      args: [`--net=/proc/${String(pid)}/ns/net`, 'ip', 'neigh', 'show', 'nud', 'all'],
    });
    const own = inside.stdout.split('\n').filter((line) => line.includes(' dev eth0 '));
    assert.deepEqual(
      own.map((line) => /^\S+\.1 dev eth0 lladdr \S+ PERMANENT/.test(line)),
      [true],
      inside.stdout,
    );
    // new sandboxes in the pool have their own permanent entries
    assert.ok((await ofBridge()).split('\n').length <= before + 3, await ofBridge());
    assert.doesNotMatch(await ofBridge(), /INCOMPLETE|FAILED/);
    await lab().sandbox.forget(id);
  });

  it('leaves inotify instances for others, because the kernel counts them per user', async () => {
    const open = (count: number): string =>
      `my $n = 0; for (1 .. ${String(count)}) { last if syscall(294, 0) < 0; $n += 1 } $| = 1; print "$n of them\\n";`;
    const greedy = await lab().run({ argv: perl(`${open(200)} sleep 3600`) });
    await eventually('it has them', () => readLog(lab().sandbox.logDir(greedy.id)).includes('200 of them'));
    const { output } = await lab().finish({ argv: perl(open(50)) });
    assert.equal(output, '50 of them\n');
    await lab().sandbox.forget(greedy.id);
  });

  it('gives a sandbox a fixed number of pseudo-terminals, which work', async () => {
    const script = `my @held; for (1 .. 100) { open(my $one, "+<", "/dev/ptmx") or last; push @held, $one } print scalar(@held), " terminals\\n";
      @held = (); open(my $ptmx, "+<", "/dev/ptmx") or die $!; my $packed = pack("i", 0); ioctl($ptmx, 0x40045431, $packed) or die "unlock $!";
      ioctl($ptmx, 0x80045430, $packed) or die "number $!"; my $name = "/dev/pts/" . unpack("i", $packed);
      open(my $tty, "+<", $name) or die "$name $!"; print -t $tty ? "a terminal\\n" : "none\\n"`;
    const { output } = await lab().finish({ argv: perl(script) });
    assert.equal(output, `${String(TERMINALS_MAX)} terminals\na terminal\n`);
  });

  it('gives every sandbox its share of the processors, even beside one with many processes', async () => {
    const spin = { argv: perl('1 while 1') };
    const crowd = await lab().run({ argv: perl('fork for 1 .. 5; 1 while 1') });
    const single = await lab().run(spin);
    const build = await lab().run({ ...spin, purpose: 'build' });
    const cgroups = (await detectCgroups(lab().config.name, systemClock))!;
    const ticks = async (id: string): Promise<number> =>
      (await Promise.all((await cgroups.pids(id)).map(cpuTicks))).reduce((sum, one) => sum + one, 0);
    await eventually('the crowd is there', async () => (await cgroups.pids(crowd.id)).length >= 32);
    const [single0, crowd0] = [await ticks(single.id), await ticks(crowd.id)];
    await eventually('the crowd has run for a while', async () => (await ticks(crowd.id)) - crowd0 > 60);
    const part = ((await ticks(single.id)) - single0) / ((await ticks(crowd.id)) - crowd0);
    for (const { id } of [crowd, single, build]) await lab().sandbox.forget(id);
    // the share of one of 33 processes, without control groups
    assert.ok(part > 0.15, `one process ran for ${part.toFixed(3)} of the time of the other sandbox`);
  });

  it('says that its own limit was not reached, when all sandboxes together have used up their memory', async () => {
    const limit = await memoryLimitOfAll(lab().config.name);
    const before = await readFile(limit, 'utf8');
    await writeFile(limit, String(96 * MB));
    try {
      const limits = { ...lab().spec().limits, memoryBytes: 512 * MB };
      const { status } = await lab().finish({
        limits,
        argv: perl(`my @a; push @a, "x" x ${String(MB)} while @a < 400; sleep 5`),
      });
      assert.deepEqual([status.exit?.signal, status.exit?.oomKilled, status.exit?.oomOfNode], ['SIGKILL', true, true]);
    } finally {
      await writeFile(limit, before);
    }
  });

  it('does not let a process make itself less likely to be killed for memory', async () => {
    const { output } = await lab().finish({
      argv: [
        '/bin/bash',
        '-c',
        'score=$(cat /proc/self/oom_score_adj); for less in $((score - 1)) 0 -1000; do echo $less 2>&1 >/proc/self/oom_score_adj; done; echo $(($(cat /proc/self/oom_score_adj) - score))',
      ],
    });
    assert.equal(output.trim().split('\n').at(-1), '0', output);
  });
}

async function memoryLimitOfAll(name: string): Promise<string> {
  const { v1, v2 } = hierarchiesOf(parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8')));
  const memory = v1.get('memory');
  return memory === undefined ? join(v2 ?? '', name, 'memory.max') : join(memory, name, 'memory.limit_in_bytes');
}

/** Clock ticks that a process has run; none when it has ended. */
async function cpuTicks(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(() => '');
  const fields = stat.replace(/^.*\) /, '').split(' ');
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}
