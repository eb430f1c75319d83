import assert from 'node:assert/strict';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { EventsBody } from '../../../shared/api/observe.ts';
import type { RunBody } from '../../../shared/api/runs.ts';
import { run, start } from '../../../shared/kit/exec.ts';
import type { CliCommand } from '../../support/cli-command.ts';
import { eventually } from '../../support/eventually.ts';
import type { Repository } from '../../support/fleet-user.ts';
import { PRODUCT_DIR, TestFleet } from '../../support/fleet.ts';

const PIPE_BYTES = 20 * 1024 * 1024;
const TERMINAL = join(PRODUCT_DIR, 'test', 'support', 'cli-terminal.py');

/** What isolates a process. The app writes it at its start; a command must read the same. */
const ISOLATION = `grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp)' /proc/self/status; cat /proc/self/cgroup /proc/self/uid_map
readlink /proc/self/ns/user /proc/self/ns/mnt /proc/self/ns/pid /proc/self/ns/net /proc/self/ns/ipc /proc/self/ns/uts`;

const APP = {
  'server.js': `require('node:http').createServer((_, response) => response.end('hello')).listen(process.env.PORT);
require('node:net').createServer((socket) => socket.pipe(socket)).listen(6000, '127.0.0.1');
`,
  'isolation.sh': ISOLATION,
  'package.json': JSON.stringify({ name: 'exec-app', version: '1.0.0' }),
  Procfile: 'web: sh isolation.sh >/tmp/isolation; exec node server.js\n',
};

interface Outcome {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

describe('commands in a running instance', { concurrency: false }, () => {
  let fleet: TestFleet;
  let repository: Repository;
  before(async () => {
    fleet = await TestFleet.start({ sandbox: 'lxc', controller: { rollout: { settleMs: 200, bakeMs: 200 } } });
    repository = await fleet.me.repository('app', APP);
    const pushed = await repository.push('app');
    assert.ok(pushed.ok, `${pushed.text}\n${fleet.logs()}`);
  });
  after(() => fleet.stop());

  function command(args: readonly string[], config = 'cli.json'): CliCommand {
    const { env, ...rest } = fleet.slipwayCommand(args);
    return { ...rest, env: { ...env, TERM: 'xterm-256color', SLIPWAY_CONFIG: join(fleet.dir, config) } };
  }

  async function slipway(args: readonly string[], stdin: Buffer = Buffer.alloc(0)): Promise<Outcome> {
    const child = start(command(args), 'pipe');
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(stdin);
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() };
  }

  const exec = (...words: string[]): Promise<Outcome> => slipway(['ps:exec', '-a', 'app', 'web.1', ...words]);
  const isRunning = async (mark: string): Promise<boolean> =>
    (await exec(`cat /proc/[0-9]*/cmdline 2>/dev/null | grep -qa '[${mark.charAt(0)}]${mark.slice(1)}'`)).code === 0;

  /** The CLI on a terminal of its own. */
  function onTerminal(t: TestContext, ...args: string[]) {
    const { file, args: words, env } = command(args);
    const child = start({ file: 'python3', args: [TERMINAL, '30', '100', file, ...words], env }, 'pipe');
    t.after(() => child.kill('SIGKILL'));
    let screen = '';
    child.stdout?.on('data', (chunk: Buffer) => (screen += chunk.toString()));
    return {
      child,
      closed: once(child, 'close') as Promise<[number | null]>,
      type: (text: string) => void child.stdin?.write(text),
      shows: (pattern: RegExp) =>
        eventually(`the terminal shows ${String(pattern)}`, () => pattern.test(screen)).catch((error: unknown) => {
          throw new Error(`${String(error)}\n${screen}\n${fleet.logs()}`, { cause: error });
        }),
    };
  }

  it('gives the exit code of the command, and keeps output and errors apart', async () => {
    const { code, stdout, stderr } = await exec('sh', '-c', 'echo out; echo err >&2; exit 9');
    assert.deepEqual([code, stdout.toString(), stderr], [9, 'out\n', 'err\n']);
    assert.equal((await exec('kill -TERM $$')).code, 143);
  });

  it('passes 20 MB through unchanged in both directions', async () => {
    const bytes = randomBytes(PIPE_BYTES);
    const { code, stdout, stderr } = await slipway(['ps:exec', '-a', 'app', 'cat'], bytes);
    assert.equal(code, 0, stderr);
    const digest = (all: Buffer): string => createHash('sha256').update(all).digest('hex');
    assert.deepEqual([stdout.length, digest(stdout)], [bytes.length, digest(bytes)]);
  });

  it('has a terminal with the size of the client, also after a resize', async (t) => {
    const shell = onTerminal(t, 'ps:exec', '-a', 'app');
    await shell.shows(/\$ /);
    shell.type('stty size; echo "I am $DYNO on $TERM"\r');
    await shell.shows(/30 100[\r\n]+I am web\.1 on xterm-256color/);
    shell.type('\u001eresize 40 120\n');
    shell.type(`until [ "$(stty size)" = "40 120" ]; do sleep 0.1; done; echo resized\r`);
    await shell.shows(/[\r\n]resized[\r\n]/);
    shell.type(String.raw`stty -opost; printf 'down\nright'; stty opost`);
    shell.type('\r');
    await shell.shows(/down\nright/); // full-screen programs move the cursor so
    const mark = String(randomInt(1e8, 1e9));
    shell.type(`sleep ${mark}\r`);
    await eventually('it sleeps', () => isRunning(mark));
    shell.type('\u0003');
    await eventually('it is gone', async () => !(await isRunning(mark)));
    shell.type('echo "code $?"\r');
    await shell.shows(/code 130/);
    shell.type('exit 4\r');
    assert.deepEqual(await shell.closed, [4, null]);
  });

  it('ends the command when the client is killed', async (t) => {
    const mark = String(randomInt(1e8, 1e9));
    const shell = onTerminal(t, 'ps:exec', '-a', 'app', 'sleep', mark);
    await eventually('it runs', () => isRunning(mark));
    shell.child.kill('SIGKILL');
    await eventually('it is gone', async () => !(await isRunning(mark)));
  });

  it('isolates the command as the app is isolated', async () => {
    const [app, command] = [await exec('cat', '/tmp/isolation'), await exec('sh', '/app/isolation.sh')];
    assert.equal(command.stdout.toString(), app.stdout.toString());
    assert.match(command.stdout.toString(), /CapEff:\t0+\n[^]*NoNewPrivs:\t1\n[^]*Seccomp:\t2/);
  });

  it('forwards a port that only the sandbox can reach', async (t) => {
    const child = start(command(['ps:forward', 'web.1', '0:6000', '-a', 'app']), 'pipe');
    t.after(() => child.kill('SIGKILL'));
    let notes = '';
    child.stderr?.on('data', (chunk: Buffer) => (notes += chunk.toString()));
    const port = await eventually('the port', () => Number(/127\.0\.0\.1:(\d+)/.exec(notes)?.[1]) || undefined);
    const socket = connect(port, '127.0.0.1');
    let heard = '';
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    socket.write('echo this');
    await eventually('the echo', () => heard === 'echo this').catch((error: unknown) => {
      throw new Error(`${String(error)}\n${notes}\n${fleet.logs()}`, { cause: error });
    });
    socket.end();
    await once(socket, 'close');
  });

  it('copies files to an instance and back', async () => {
    const bytes = randomBytes(1_000_000);
    const [there, back] = [join(fleet.dir, 'there'), join(fleet.dir, 'back')];
    await mkdir(there);
    await writeFile(join(there, 'data'), bytes);
    const up = await slipway(['ps:copy', there, 'web.1:/tmp/copied', '-a', 'app']);
    assert.equal(up.code, 0, up.stderr);
    const down = await slipway(['ps:copy', 'web.1:/tmp/copied', back, '-a', 'app']);
    assert.equal(down.code, 0, down.stderr);
    assert.ok((await readFile(join(back, 'data'))).equals(bytes));
    const missing = await slipway(['ps:copy', 'web.1:/no/such', back, '-a', 'app']);
    assert.deepEqual([missing.code, missing.stderr.includes('No such file')], [1, true], missing.stderr);
  });

  it('says who opened what, and refuses the app of another user and an instance that does not exist', async (t) => {
    const shell = onTerminal(t, 'ps:exec', '-a', 'app');
    await shell.shows(/\$ /);
    shell.type('exit\r');
    await shell.closed;
    const { events } = (await fleet.api('GET', '/events?limit=100')) as EventsBody;
    assert.ok(events.some(({ message, app }) => message === 'me opened a shell in web.1.' && app === 'app'));
    assert.match((await slipway(['ps:exec', '-a', 'app', 'web.9'])).stderr, /app has no instance web\.9\./);
    const { token } = (await fleet.api('POST', '/users', { name: 'bob' })) as { token: string };
    await writeFile(join(fleet.dir, 'bob.json'), JSON.stringify({ ...fleet.settings, token }));
    const refused = await run(command(['ps:exec', '-a', 'app', 'true'], 'bob.json'));
    assert.match(refused.stderr, /There is no app of this name that you may use/);
  });

  it('runs a command in a sandbox of its own, with pipes and the exit code of the command', async () => {
    const words = ['-e', 'MINE=1', '--', 'echo "$MINE $DYNO"; cat; echo bad >&2; exit 6'];
    const { code, stdout, stderr } = await slipway(['run', '-a', 'app', ...words], Buffer.from('from stdin'));
    assert.equal(code, 6, stderr);
    assert.match(stdout.toString(), /^1 run\.1\nfrom stdin$/);
    assert.match(stderr, /bad\n/);
    const runs = (await fleet.api('GET', '/apps/app/runs')) as RunBody[];
    const ended = await eventually('its end is known', async () => {
      const [last] = (await fleet.api('GET', '/apps/app/runs')) as RunBody[];
      return last?.exit === undefined ? undefined : last;
    });
    assert.deepEqual([runs.length, ended.name, ended.exit?.code, ended.state], [1, 'run.1', 6, 'failed']);
  });

  it('runs a shell on a terminal, and ends it when the client is killed', async (t) => {
    const shell = onTerminal(t, 'run', '-a', 'app');
    await shell.shows(/\$ /);
    shell.type('stty size; echo "I am $DYNO"\r');
    await shell.shows(/30 100[\r\n]+I am run\.\d/);
    shell.child.kill('SIGKILL');
    await eventually('it has ended', async () => {
      const [last] = (await fleet.api('GET', '/apps/app/runs')) as RunBody[];
      return last?.finishedAtMs !== undefined;
    });
  });

  it('says why a command on a terminal was stopped, and sets the terminal back', async (t) => {
    const shell = onTerminal(t, 'run', '-a', 'app', '--', String.raw`printf '\033[?1049hediting'; exec sleep 1000`);
    await shell.shows(/\u001b\[\?1049hediting/);
    const [last] = (await fleet.api('GET', '/apps/app/runs')) as RunBody[];
    await fleet.api('POST', `/apps/app/runs/${last?.name ?? ''}/stop`);
    await shell.shows(/\u001b\[\?1049l[^]*run\.\d+ of app was stopped\./);
    assert.deepEqual((await shell.closed)[0], 1);
  });

  it('tells the user of a deploy that replaces the instance, and ends with the reason and the code of SIGHUP', async (t) => {
    const shell = onTerminal(t, 'ps:exec', '-a', 'app', 'sh', '-c', 'echo in; sleep 1000');
    await shell.shows(/in[\r\n]/);
    await repository.commit({ 'server.js': `${APP['server.js']}// changed\n` });
    const pushed = await repository.push('app');
    assert.ok(pushed.ok, pushed.text);
    await shell.shows(/v\d+ (?:is being deployed|serves now)\. This session is in web\.1 of v\d+/);
    await shell.shows(/v\d+ has replaced v\d+\. This session was in web\.1 of v\d+ and ended with it\./);
    assert.deepEqual((await shell.closed)[0], 129);
  });

  it('says that the stream is lost when the agent stops, and works with the next agent', async (t) => {
    const editor = String.raw`printf '\033[?1049hediting'; sleep 1000`;
    const shell = onTerminal(t, 'ps:exec', '-a', 'app', 'sh', '-c', editor);
    await shell.shows(/editing/);
    await fleet.endAgent();
    // The terminal is back on its own screen before the message.
    await shell.shows(/\u001b\[\?1049l[^]*connection to the process is lost/);
    assert.deepEqual((await shell.closed)[0], 1);
    await fleet.startAgent();
    assert.equal((await exec('true')).code, 0);
  });

  it('ends an attached one-off command when the controller is killed, and the client says so', async (t) => {
    const shell = onTerminal(t, 'run', '-a', 'app', '--', 'echo in; sleep 1000');
    await shell.shows(/in[\r\n]/);
    await fleet.endController();
    assert.deepEqual((await shell.closed)[0], 1);
    await fleet.startController();
    await fleet.untilConnected();
    await eventually('its end is known', async () => {
      const [last] = (await fleet.api('GET', '/apps/app/runs')) as RunBody[];
      return last?.finishedAtMs !== undefined;
    });
  });
});
