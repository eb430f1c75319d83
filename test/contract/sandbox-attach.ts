import assert from 'node:assert/strict';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Sandbox } from '../../agent/sandbox/port.ts';
import { attached, runAttached } from '../support/attached.ts';
import { eventually } from '../support/eventually.ts';
import { ended, openSandboxLab, MB, readLog, type SandboxLab } from '../support/sandbox-lab.ts';

const PIPE_BYTES = 20 * MB;
const TERMINAL = { mode: 'pty', size: { rows: 30, columns: 100 }, term: 'xterm-256color' } as const;
/** What isolates a process, as the process reads it. */
const ISOLATION = `id -u; id -g; grep -E '^(Cap|NoNewPrivs|Seccomp)' /proc/self/status; readlink /proc/self/ns/* | grep -v time
cat /proc/self/cgroup /proc/self/oom_score_adj /proc/self/uid_map /proc/self/limits`;

/** Commands of persons in a running sandbox. */
export function sandboxAttachContract(kind: Exclude<Sandbox['kind'], 'fake'>): void {
  describe(`sandbox ${kind}: commands of persons`, { concurrency: false }, () => {
    let lab: SandboxLab;
    let id: string;
    const isIsolated = kind !== 'process';
    const itIfIsolated = (name: string, test: () => Promise<void>): void => {
      if (isIsolated) void it(name, test);
    };
    before(async () => {
      lab = await openSandboxLab(kind);
      const script = `exec 9>&-; (${ISOLATION}) >/tmp/isolation; echo ready; exec sleep 3600`;
      const env = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: isIsolated ? '/app' : '/tmp', SECRET: 'of the app' };
      ({ id } = await lab.run({ argv: ['/bin/sh', '-c', script], env }));
      await eventually('the app', () => readLog(lab.sandbox.logDir(id)).includes('ready'));
    });
    after(() => lab.close());
    /** An argument that no other process has. */
    const mark = (): string => String(randomInt(1_000_000, 1_000_000_000));
    /** True if the sandbox has a process with this last argument. The search does not find itself. */
    const isRunning = async (words: readonly string[]): Promise<boolean> => {
      const [first = '', rest = ''] = [words.at(-1)?.slice(0, 1), words.at(-1)?.slice(1)];
      return (await run(`cat /proc/[0-9]*/cmdline 2>/dev/null | grep -qa '[${first}]${rest}'`)).code === 0;
    };
    const run = async (...words: string[]): ReturnType<typeof runAttached> =>
      runAttached(await lab.sandbox.attach(id), words);

    it('gives the exit code of the command, and 128 + n for signal n', async () => {
      assert.equal((await run('true')).code, 0);
      assert.equal((await run('exit 7')).code, 7);
      assert.equal((await run('kill -KILL $$')).code, 137);
      assert.equal((await run('/no/such/program')).code, 127);
    });

    it('keeps standard output and standard error apart, and each word as it is', async () => {
      const { output, errors } = await run(
        'sh',
        '-c',
        'printf "%s|" "$@"; echo bad >&2',
        'sh',
        "it's",
        '$HOME',
        'a  b',
      );
      assert.deepEqual([output, errors], ["it's|$HOME|a  b|", 'bad\n']);
    });

    it('has the environment and the folder of the app', async () => {
      assert.equal((await run('echo "$SECRET" "$(pwd)"')).output, `of the app ${isIsolated ? '/app' : '/tmp'}\n`);
    });

    it('passes 20 MB in both directions unchanged, also to a slow reader', async () => {
      const bytes = randomBytes(PIPE_BYTES);
      let pieces = 0;
      const slow = async (): Promise<void> => {
        pieces += 1;
        if (pieces % 50 === 0) await new Promise((resolve) => void setImmediate(resolve));
      };
      const cat = attached(await lab.sandbox.attach(id), { mode: 'pipe', words: ['cat'] }, slow);
      await cat.process.input(bytes);
      await cat.process.inputEnd();
      assert.equal(await cat.process.exited, 0);
      assert.deepEqual(
        [cat.outputBytes(), cat.outputDigest()],
        [bytes.length, createHash('sha256').update(bytes).digest('hex')],
      );
    });

    it('stops a command whose output nobody takes', async () => {
      const never = Promise.withResolvers<undefined>();
      const words = ['yes', mark()];
      const yes = attached(await lab.sandbox.attach(id), { mode: 'pipe', words }, () => never.promise);
      await eventually('yes runs', () => isRunning(words));
      yes.process.close();
      await eventually('yes is gone', async () => !(await isRunning(words)));
      never.resolve(undefined);
      await assert.rejects(yes.process.exited, { code: 'SLIP_ATTACH_LOST' });
    });

    it('has a terminal with a size, signals by keys, and job control', async () => {
      const shell = attached(await lab.sandbox.attach(id), { ...TERMINAL, words: [] });
      const type = (text: string): Promise<void> => shell.process.input(Buffer.from(text));
      await type('stty size; tty; echo "TERM is $TERM"\r');
      await eventually('the size', () => /30 100\r\n\/dev\/pts\/\d+\r\nTERM is xterm-256color/.test(shell.output()));
      shell.process.resize({ rows: 40, columns: 120 });
      await type('stty size\r');
      await eventually('the new size', () => shell.output().includes('40 120'));
      const job = ['sleep', mark()];
      await type(`${job.join(' ')}\r`);
      await eventually('the job runs', () => isRunning(job));
      await type('\u001a');
      await eventually('it is stopped', () => shell.output().includes('Stopped'));
      await type('fg\r');
      await eventually('it goes on', () => new RegExp(`fg\r\n[^]*${job.join(' ')}\r\n`).test(shell.output()));
      await type('\u0003');
      await eventually('it is gone', async () => !(await isRunning(job)));
      await type('exit 5\r');
      assert.equal(await shell.process.exited, 5);
    });

    it('ends a terminal at Ctrl-D', async () => {
      const shell = attached(await lab.sandbox.attach(id), { ...TERMINAL, words: ['cat'] });
      await shell.process.input(Buffer.from('hello\r'));
      await eventually('the echo', () => shell.output().includes('hello\r\nhello'));
      await shell.process.input(Buffer.from('\u0004'));
      assert.equal(await shell.process.exited, 0);
    });

    it('sends SIGHUP when the person is gone, and ends what ignores it', async () => {
      const words = ['trap "echo hung up >/tmp/hup; exit" HUP; echo on; while :; do sleep 0.1; done'];
      const polite = attached(await lab.sandbox.attach(id), { mode: 'pipe', words });
      await eventually('it runs', () => polite.output().includes('on'));
      polite.process.close();
      await eventually('it heard', async () => (await run('cat /tmp/hup')).output === 'hung up\n');
      const sleep = ['sleep', mark()];
      const line = `trap "" HUP; echo on; exec ${sleep.join(' ')}`;
      const stubborn = attached(await lab.sandbox.attach(id), { ...TERMINAL, words: [line] });
      await eventually('it runs', () => isRunning(sleep));
      stubborn.process.close();
      await eventually('it is gone', async () => !(await isRunning(sleep)));
    });

    it('connects to a port that only the sandbox can reach', async () => {
      const code = `use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 5) or die;
        $| = 1; print $s->sockport, "\\n"; while (my $c = $s->accept) { my $line = <$c>; print $c "you said $line"; close $c }`;
      const server = attached(await lab.sandbox.attach(id), { mode: 'pipe', words: ['perl', '-e', code] });
      const port = await eventually('the port', () => Number(server.output()) || undefined);
      const client = attached(await lab.sandbox.attach(id), { mode: 'port', port });
      await client.process.started;
      await client.process.input(Buffer.from('hi\n'));
      await eventually('the answer', () => client.output() === 'you said hi\n');
      await client.process.inputEnd();
      assert.equal(await client.process.exited, 0);
      server.process.close();
      const refused = attached(await lab.sandbox.attach(id), { mode: 'port', port: 1 });
      await assert.rejects(refused.process.exited, { code: 'SLIP_ATTACH_PORT' });
    });

    it('runs several at once, and leaves nothing behind', async () => {
      const all = await Promise.all(Array.from({ length: 5 }, (_, index) => run(`echo ${String(index)}`)));
      assert.deepEqual(
        all.map(({ output }) => output),
        ['0\n', '1\n', '2\n', '3\n', '4\n'],
      );
      const left = readdirSync(join(lab.config.stateDir, 'sandbox/sandboxes', id, 'secrets'));
      assert.ok(!left.includes('attach'), left.join());
    });

    itIfIsolated('isolates the command exactly as the app', async () => {
      const app = (await run('cat /tmp/isolation')).output;
      const own = await run(`sh -c '${ISOLATION.replaceAll("'", `'\\''`)}'`);
      assert.equal(own.output, app);
      assert.match(own.output, /^1000\n1000\n/);
      assert.match(own.output, /CapEff:\t0+\n[^]*NoNewPrivs:\t1\n[^]*Seccomp_filters:\t[2-9]/);
      const open = (await run('ls -l /proc/self/fd')).output;
      assert.doesNotMatch(open, new RegExp(`${lab.dir}|socket:`), 'no descriptor of the host or of the stream');
    });

    itIfIsolated('is refused for a sandbox that was started by an older agent', async () => {
      const script = join(lab.dir, 'old-report.sh');
      writeFileSync(script, '#!/bin/sh\ntrap : TERM\nsleep 3600 &\nwait\n');
      const spec = lab.spec({ readOnlyBinds: { [script]: '/tmp/old.sh' }, argv: ['/bin/sh', '/tmp/old.sh'] });
      await lab.sandbox.prepare(spec);
      await assert.rejects(lab.sandbox.attach(spec.id), { code: 'SLIP_SANDBOX_NOT_FOUND' }, 'it does not run yet');
      await lab.sandbox.forget(spec.id);
    });

    it('is the only command of a sandbox that waits for its person', async () => {
      const inside = '/run/slipway';
      const own = ['/usr/bin/perl', `${inside}/bin/attach.pl`, '--wait', 'cat; exit 7', `${inside}/env/attach`];
      const argv = [...own, `${inside}/bin/start.sh`, `${inside}/env/env`, '/app', `${inside}/bin/dyno.sh`];
      const env = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: isIsolated ? '/app' : '/tmp' };
      const waiting = await lab.run({ purpose: 'command', argv, env });
      const cat = attached(await lab.sandbox.attach(waiting.id, true), { mode: 'pipe', words: [] });
      await cat.process.input(Buffer.from('to cat'));
      await cat.process.inputEnd();
      assert.deepEqual([await cat.process.exited, cat.output()], [7, 'to cat']);
      assert.equal((await ended(lab.sandbox, waiting.id)).exit?.code, 7);
    });

    it('ends with the sandbox, without a delay of its stop', async () => {
      const shell = attached(await lab.sandbox.attach(id), { ...TERMINAL, words: [] });
      await shell.process.input(Buffer.from('echo in\r'));
      await eventually('the shell', () => /[\r\n]in\r\n/.test(shell.output()));
      await lab.sandbox.signal(id, 'SIGTERM');
      await assert.rejects(shell.process.exited, { code: /^SLIP_ATTACH_(?:STOPPED|LOST)$/ });
      await eventually('the sandbox has ended', async () => (await lab.sandbox.inspect(id))?.phase === 'exited');
    });
  });
}
