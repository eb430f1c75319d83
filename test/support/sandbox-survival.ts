import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseMountInfo } from '../../agent/sandbox/files/mounts.ts';
import { readHandle } from '../../agent/sandbox/handle.ts';
import { instanceLayout, sandboxBase } from '../../agent/sandbox/config.ts';
import type { Sandbox, SandboxSpec, SandboxStatus } from '../../agent/sandbox/port.ts';
import { DEFAULT_ENV, start } from '../../shared/kit/exec.ts';
import { eventually } from './eventually.ts';
import { MB, ended, openSandboxLab, readLog, type SandboxLab } from './sandbox-lab.ts';

type Child = ReturnType<typeof start>;

const AGENT = join(import.meta.dirname, '..', 'fixtures', 'sandbox', 'agent.ts');
const sh = (script: string): string[] => ['/bin/sh', '-c', script];
/** 10 MB a second for three seconds, and on a busy machine until it has written 8 MB. Then exit 7. */
const CHATTER = `my $line = "x" x 1023 . "\\n"; my $until = time + 3; my $n = 0; $| = 1;
  while (time < $until || $n < 8) { $n += 1; my $s = Time::HiRes::time(); syswrite(STDOUT, $line) for 1 .. 1024; Time::HiRes::sleep(0.1 - (Time::HiRes::time() - $s)) if Time::HiRes::time() - $s < 0.1 }
  syswrite(STDOUT, "last words\\n"); exit 7`;

/** Tests of sandboxes while the agent, the logger or other programs die. */
export function sandboxSurvival(kind: Sandbox['kind']): void {
  describe(`survival of sandbox ${kind}`, { concurrency: false }, () => {
    let lab: SandboxLab;
    before(async () => {
      lab = await openSandboxLab(kind);
    });
    after(async () => {
      await lab.close();
    });

    it('keeps running when the agent is killed, and the next agent adopts it', async () => {
      const { agent, status } = await runAgent(lab, {
        argv: sh('cat /proc/sys/kernel/random/uuid > nonce; while :; do echo tick; sleep 0.05; done'),
      });
      await kill(agent);
      const linesThen = readLog(lab.sandbox.logDir(status.id)).length;
      await eventually('it still logs', () => readLog(lab.sandbox.logDir(status.id)).length > linesThen);
      assert.deepEqual(await lab.sandbox.inspect(status.id), status);
      assert.deepEqual(await lab.sandbox.prepare(lab.spec({ id: status.id })), status);
      assert.deepEqual(await lab.sandbox.start(status.id), status);
      await lab.sandbox.forget(status.id);
    });

    it('logs 10 MB a second in a bounded log without the agent, and then reports exit 7', async () => {
      const { agent, status } = await runAgent(lab, {
        argv: ['/usr/bin/perl', '-MTime::HiRes', '-e', CHATTER],
        logBytesMax: 2 * MB,
      });
      await kill(agent);
      const exit = (await ended(lab.sandbox, status.id)).exit;
      assert.deepEqual([exit?.code, exit?.oomKilled], [7, false]);
      const dir = lab.sandbox.logDir(status.id);
      const bytes = readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
      assert.ok(bytes > MB && bytes < 2.2 * MB, `${String(bytes)} bytes`);
      assert.match(readLog(dir), /last words\n$/);
      await lab.sandbox.forget(status.id);
    });

    it('ends a build with its agent, and the next agent removes the rest', async () => {
      const { agent, status } = await runAgent(
        lab,
        { purpose: 'build', argv: sh('setsid sleep 3600 & sleep 3600') },
        'build',
      );
      await kill(agent);
      const found = await ended(lab.sandbox, status.id);
      assert.deepEqual([found.purpose, found.exit?.signal], ['build', 'SIGKILL']);
      assert.ok((await lab.sandbox.list()).some((entry) => entry.id === status.id));
      await lab.sandbox.forget(status.id);
    });

    it('keeps running, and logging, when its supervisor is killed; the exit code is lost, the end is not', async () => {
      const { id } = await lab.run({
        argv: sh('echo line 1; until [ -e go ]; do sleep 0.05; done; for i in $(seq 2 30); do echo line $i; done'),
      });
      await eventually('it runs', () => readLog(lab.sandbox.logDir(id)).includes('line 1\n'));
      const handle = await readHandle(layoutOf(lab, id).pidFile);
      process.kill(handle!.pid, 'SIGKILL');
      assert.equal((await lab.sandbox.inspect(id))?.phase, 'running');
      writeFileSync(join(lab.sandbox.appDir(id), 'go'), '');
      const status = await ended(lab.sandbox, id);
      assert.deepEqual([status.exit?.code, status.exit?.signal], [undefined, undefined]);
      await eventually('the log is whole', () => readLog(lab.sandbox.logDir(id)).includes('line 30\n'));
      await lab.sandbox.forget(id);
    });

    it('replaces a killed logger, and loses no line', async () => {
      const script = 'i=0; until [ -e go ]; do i=$((i + 1)); echo line $i; sleep 0.02; done; echo $i lines';
      const { id } = await lab.run({ argv: sh(script) });
      const loggers = (): readonly { pid: number }[] =>
        processesWith(lab.sandbox.logDir(id)).filter(({ file }) => file.endsWith('s6-log'));
      const former = await eventually('a logger', () => loggers()[0]);
      process.kill(former.pid, 'SIGKILL');
      await eventually('another logger', () => loggers().some(({ pid }) => pid !== former.pid));
      writeFileSync(join(lab.sandbox.appDir(id), 'go'), '');
      await ended(lab.sandbox, id);
      const lines = readLog(lab.sandbox.logDir(id)).split('\n').filter(Boolean);
      const count = lines.length - 1;
      assert.deepEqual(lines, [
        ...Array.from({ length: count }, (_, index) => `line ${String(index + 1)}`),
        `${String(count)} lines`,
      ]);
      await lab.sandbox.forget(id);
    });

    if (kind !== 'process') {
      it('cleans up after a killed tool, and leaves no orphan process', async () => {
        const { id } = await lab.run({ argv: sh('sleep 3600 & echo ready; sleep 3600') });
        const tool = await eventually('the tool', () =>
          processesWith(id).find((entry) => /lxc-execute|systemd-nspawn/.test(entry.file)),
        );
        await eventually('the app runs', () => readLog(lab.sandbox.logDir(id)).includes('ready'));
        process.kill(tool.pid, 'SIGKILL');
        assert.equal((await ended(lab.sandbox, id)).exit?.signal, 'SIGKILL');
        await lab.sandbox.forget(id);
      });

      it('repairs the host when somebody removed bridge and rules', async () => {
        await lab.run({ id: 'sabotaged', argv: sh('sleep 3600') });
        for (const argv of [
          ['nft', 'delete', 'table', 'inet', lab.config.name],
          ['ip', 'link', 'del', `${lab.config.bridge}-p0`],
        ])
          await runTool(argv);
        await lab.sandbox.ensureHost();
        assert.match(await runTool(['nft', 'list', 'tables']), new RegExp(lab.config.name));
        assert.match(await runTool(['ip', 'link', 'show', `${lab.config.bridge}-p0`]), /state UP/);
        await lab.sandbox.forget('sabotaged');
      });

      it('removes files that a program of a killed agent creates after the first check of the next agent', async () => {
        const { id, address } = await lab.run({ argv: sh('sleep 3600') });
        const [netns, disk] = [`${lab.config.bridge}-200`, join(lab.sandbox.appDir(id), '../../../pool/making-orphan')];
        await runTool(['ip', 'netns', 'add', netns]);
        mkdirSync(join(disk, 'disk'), { recursive: true });
        await runTool(['mount', '-t', 'tmpfs', 'tmpfs', join(disk, 'disk')]);
        await lab.sandbox.ensureHost();
        const [status, left] = [await lab.sandbox.inspect(id), [join('/run/netns', netns), disk].filter(existsSync)];
        await lab.sandbox.forget(id);
        assert.deepEqual([left, status?.phase, status?.address], [[], 'running', address]);
      });

      it('leaves nothing on the machine after many runs', async () => {
        const sandbox = await lab.reopen(); // sweeps up what the killed agents above had in reserve
        for (let batch = 0; batch < 10; batch += 1) {
          await Promise.all(
            Array.from({ length: 5 }, async (_, index) => {
              const spec = lab.spec({ argv: sh(index % 2 === 0 ? 'exit 0' : 'sleep 3600') });
              await sandbox.prepare(spec);
              await sandbox.start(spec.id);
              await sandbox.forget(spec.id);
            }),
          );
        }
        // A program of a killed agent may end after the first check of the next agent, which checks again and again.
        const isAtRest = async (): Promise<boolean> => {
          await sandbox.ensureHost();
          return JSON.stringify(traces(lab)) === JSON.stringify(atRest(lab));
        };
        await eventually('only the reserves are left', isAtRest).catch((error: unknown) => {
          assert.deepEqual(traces(lab), atRest(lab), String(error));
        });
        assert.deepEqual(await sandbox.list(), []);
      });
    }
  });
}

interface Traces {
  readonly sandboxMounts: number;
  readonly diskMounts: number;
  readonly namespaces: number;
  readonly interfaces: number;
  readonly cgroups: number;
  readonly exits: number;
}

function traces(lab: SandboxLab): Traces {
  const base = sandboxBase(lab.config.stateDir);
  const mounts = parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'))
    .map((mount) => mount.target)
    .filter((target) => target.includes(lab.config.name) || target.startsWith(base));
  return {
    sandboxMounts: mounts.filter((target) => target.includes('/sandboxes/')).length,
    diskMounts: mounts.filter((target) => target.includes('/pool/')).length,
    namespaces: readdirSync('/run/netns').filter((name) => name.startsWith(`${lab.config.bridge}-`)).length,
    interfaces: readdirSync('/sys/class/net').filter((name) => name.startsWith(lab.config.bridge)).length,
    cgroups: readdirSync('/sys/fs/cgroup').flatMap((top) =>
      listOf(join('/sys/fs/cgroup', top, lab.config.name)).filter((name) => /^[a-z0-9]{20}$/.test(name)),
    ).length,
    exits: listOf(join(base, 'exits')).length,
  };
}

/** The bridge with its permanent port, and the pools. It is not compared with the state before, because the kernel removes interfaces late. */
function atRest({ config: { poolSize } }: SandboxLab): Traces {
  return {
    sandboxMounts: 0,
    diskMounts: poolSize,
    namespaces: poolSize,
    interfaces: 3 + poolSize,
    cgroups: 0,
    exits: 0,
  };
}

function listOf(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

function layoutOf(lab: SandboxLab, id: string): ReturnType<typeof instanceLayout> {
  return instanceLayout(join(lab.sandbox.appDir(id), '..', '..', '..'), id);
}

async function runAgent(
  lab: SandboxLab,
  overrides: Partial<SandboxSpec>,
  mode = 'app',
): Promise<{ agent: Child; status: SandboxStatus }> {
  const args = [AGENT, lab.sandbox.kind, JSON.stringify(lab.config), JSON.stringify(lab.spec(overrides)), mode];
  const agent = start({ file: process.execPath, args, env: DEFAULT_ENV }, ['ignore', 'pipe', 'inherit']);
  const [line] = (await once(agent.stdout!, 'data')) as [Buffer];
  const status = JSON.parse(line.toString()) as SandboxStatus;
  return { agent, status: { ...status, port: status.port } };
}

async function kill(agent: Child): Promise<void> {
  agent.kill('SIGKILL');
  await once(agent, 'exit');
}

/** Processes with an argument that contains this text. */
function processesWith(text: string): { pid: number; file: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ({ pid: Number(pid), argv: cmdline(pid) }))
    .filter((entry) => entry.argv.some((argument) => argument.includes(text)))
    .map(({ pid, argv }) => ({ pid, file: argv[0] ?? '' }));
}

function cmdline(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

async function runTool([file = '', ...args]: readonly string[]): Promise<string> {
  const child = start({ file, args }, ['ignore', 'pipe', 'inherit']);
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(child, 'close');
  return text;
}
