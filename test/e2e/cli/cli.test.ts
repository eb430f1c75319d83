import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import type { StatusBody } from '../../../shared/api/observe.ts';
import { parseAppName } from '../../../shared/domain/names.ts';
import { DEFAULT_ENV, run, runOk, start, type CommandResult } from '../../../shared/kit/exec.ts';
import { openApi, type ApiFixture } from '../../support/api-fixture.ts';
import { cliCommand } from '../../support/cli-command.ts';
import { sshKeyPair } from '../../support/ssh-key-pair.ts';

const SLIPWAY = join(import.meta.dirname, '../../../bin/slipway');
/** If PATH had a Node, script/bootstrap did not install one, so the command must find the one on PATH. */
const ENV = { ...DEFAULT_ENV, PATH: `${dirname(process.execPath)}:${DEFAULT_ENV['PATH'] ?? ''}` };

describe('the slipway command', () => {
  let fixture: ApiFixture;
  let dir: string;
  let configPath: string;
  let token: string;
  before(async () => {
    fixture = await openApi({
      buildLog: () => Promise.resolve(Readable.from([Buffer.from('-----> Node.js\n\u001b[31mred\n')])),
    });
    dir = await mkdtemp(join(tmpdir(), 'slipway-cli-'));
    configPath = join(dir, 'config.json');
    token = (await fixture.addCaller('root', true)).caller.token!;
    await writeFile(configPath, JSON.stringify({ url: fixture.url, token, caPem: fixture.authority.caPem }));
  });
  after(async () => {
    await fixture.close();
    await rm(dir, { recursive: true });
  });

  function slipway(
    args: readonly string[],
    change: { cwd?: string; env?: Record<string, string>; stdin?: string } = {},
  ): Promise<CommandResult> {
    const env = { ...ENV, HOME: dir, SLIPWAY_CONFIG: configPath, ...change.env };
    return run({ ...cliCommand(args, env), cwd: change.cwd ?? dir, stdin: change.stdin ?? '', timeoutMs: 240_000 });
  }

  async function ok(args: readonly string[], change: Parameters<typeof slipway>[1] = {}): Promise<string> {
    const result = await slipway(args, change);
    assert.equal(result.code, 0, `slipway ${args.join(' ')}: ${result.stderr}`);
    return result.stdout;
  }

  it('creates an app with its git remote, and then finds the app by the remote', async () => {
    const cwd = join(dir, 'work');
    await runOk(run, { file: 'git', args: ['init', '-q', cwd] });
    assert.match(await ok(['create', 'shop'], { cwd }), /^Created shop\nhttp:\/\/shop\.localhost:8080 \| ssh:/);
    const remote = await runOk(run, { file: 'git', args: ['-C', cwd, 'remote', 'get-url', 'slipway'] });
    assert.equal(remote.stdout, 'ssh://git@127.0.0.1:2222/shop.git\n');
    assert.match(await ok(['apps', 'info'], { cwd }), /^=== shop\n/);
    assert.match(await ok(['apps:info'], { env: { SLIPWAY_APP: 'shop' } }), /^=== shop\n/);
    assert.equal((await slipway(['apps:info'])).code, 2);
    const second = JSON.parse(await ok(['git:remote', '-a', 'shop', '-r', 'second', '--json'], { cwd })) as unknown;
    assert.deepEqual(second, { remote: 'second', url: 'ssh://git@127.0.0.1:2222/shop.git' });
  });

  it('does not change an existing git remote when it creates another app', async () => {
    const cwd = join(dir, 'of-one-app');
    await runOk(run, { file: 'git', args: ['init', '-q', cwd] });
    await ok(['create', 'first-app'], { cwd });
    const created = await slipway(['create', 'second-app'], { cwd });
    assert.match(
      created.stderr,
      /remote slipway of this folder stays ssh:\S+first-app\.git\. To change it: slipway git:remote -a second-app\n/,
    );
    assert.match(await ok(['apps:info'], { cwd }), /^=== first-app\n/);
    await ok(['git:remote', '-a', 'second-app'], { cwd });
    assert.match(await ok(['apps:info'], { cwd }), /^=== second-app\n/);
  });

  it('prints the code of an error for scripts', async () => {
    const { code, stdout, stderr } = await slipway(['ps', '-a', 'nosuch', '--json']);
    assert.deepEqual([code, stdout], [1, '']);
    const error = { code: 'SLIP_APP_NOT_FOUND', message: 'There is no app of this name that you may use.' };
    assert.deepEqual(JSON.parse(stderr), { ...error, hint: 'See your apps with: slipway apps' });
  });

  it('sets, shows, gets and unsets config', async () => {
    await ok(['create', 'settings']);
    assert.equal(
      await ok(['config:set', 'A=1', 'B=two words', '-a', 'settings']),
      'Set A, B on settings, live as v7\n',
    );
    assert.equal(
      await ok(['config:set', 'A=1', '-a', 'settings']),
      'Nothing to change: A is already set to this on settings\n',
    );
    assert.equal(
      await ok(['config:unset', 'A1', 'B1', '-a', 'settings']),
      'Nothing to change: A1, B1 are not set on settings\n',
    );
    assert.equal(await ok(['config:set', 'A=1', 'C=3', '-a', 'settings']), 'Set C on settings, live as v7\n');
    assert.equal(await ok(['config:unset', 'C', 'B1', '-a', 'settings']), 'Unset C on settings, live as v7\n');
    assert.equal(await ok(['config:get', 'B', '-a', 'settings']), 'two words\n');
    assert.equal(await ok(['config', '-s', '-a', 'settings']), "A=1\nB='two words'\n");
    await ok(['config:unset', 'A', '-a', 'settings']);
    const missing = await slipway(['config:get', 'A', '-a', 'settings']);
    assert.deepEqual([missing.code, missing.stdout], [1, '']);
  });

  it('shows logs, escaped and as JSON, and stops without an error if the reader closes the pipe', async () => {
    await ok(['create', 'talker']);
    fixture.fleet.lines = Array.from({ length: 1500 }, (_, index) => ({
      atMs: 0,
      source: 'app',
      process: 'web.1',
      message: `\u001b[2J${index} ${'x'.repeat(500)}`,
    }));
    assert.match(
      await ok(['logs', '-n', '1', '-a', 'talker']),
      /^1970-01-01T00:00:00\.000000\+00:00 app\[web\.1\]: \\x1b\[2J1499 x+\n$/,
    );
    assert.equal(
      (JSON.parse(await ok(['logs', '-n', '1', '--json', '-a', 'talker'])) as { process: string }).process,
      'web.1',
    );
    const child = start(
      cliCommand(['logs', '-n', '1500', '-a', 'talker'], { ...ENV, HOME: dir, SLIPWAY_CONFIG: configPath }),
      ['ignore', 'pipe', 'pipe'],
    );
    let complaint = '';
    child.stderr!.on('data', (chunk) => (complaint += String(chunk)));
    await once(child.stdout!, 'data');
    child.stdout!.destroy();
    const [code] = (await once(child, 'close')) as [number | null];
    assert.deepEqual([code, complaint], [0, '']);
  });

  it('fails with a message if its output cannot be written', async () => {
    const { code, stderr } = await run({
      file: '/bin/sh',
      args: ['-c', 'exec "$0" apps >/dev/full', SLIPWAY],
      env: { ...ENV, HOME: dir, SLIPWAY_CONFIG: configPath },
      timeoutMs: 240_000,
    });
    assert.deepEqual([code, stderr.split('\n')[0]], [1, ' !    The output cannot be written: ENOSPC.']);
  });

  it('shows the output of the newest build', async () => {
    await ok(['create', 'built']);
    const none = await slipway(['builds:output', '-a', 'built']);
    assert.deepEqual([none.code, none.stderr.split('\n')[0]], [1, ' !    built has no builds yet.']);
    const app = (await fixture.store.appByName(parseAppName('built')))!;
    await fixture.store.createBuild({ appId: app.id, userId: app.ownerId, commit: 'a'.repeat(40) });
    assert.equal(await ok(['builds:output', '-a', 'built']), '-----> Node.js\n\\x1b[31mred\n');
    const lines = (await ok(['builds:output', '-a', 'built', '--json'])).trimEnd().split('\n');
    assert.deepEqual((JSON.parse(lines[0]!) as { line: string }).line, '-----> Node.js');
  });

  it('adds and removes keys, and refuses a private key', async () => {
    const pair = sshKeyPair();
    await writeFile(join(dir, 'key.pub'), `${pair.public.trim()} laptop\n`);
    await writeFile(join(dir, 'key'), pair.private);
    assert.match(await ok(['keys:add', 'key.pub']), /^Added SHA256:\S+ laptop\n$/);
    const refused = await slipway(['keys:add', 'key']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /holds a private key\. It was not sent\./);
    await ok(['keys:remove', 'laptop']);
    assert.match((await slipway(['keys:add'])).stderr, /id_ed25519\.pub cannot be read/);
  });

  it('shows the status, as a screen and as JSON', async () => {
    assert.match(
      await ok(['status']),
      /^ !    No node has joined yet, so nothing can be built or run\.\n {6}slipway nodes:token\n/,
    );
    assert.equal((JSON.parse(await ok(['status', '--json'])) as StatusBody).controller.version, '0.1.0');
  });

  it('signs in with the pin, sends nothing before the pin matches, and keeps the settings private', async () => {
    const path = join(dir, 'new', 'config.json');
    const login = (pin: string, stdin: string) =>
      slipway(['login', fixture.url, '--pin', pin], { env: { SLIPWAY_CONFIG: path }, stdin });
    const wrong = await login(`sha256:${'0'.repeat(64)}`, token);
    assert.deepEqual([wrong.code, wrong.stderr.includes('not the controller with this pin')], [1, true]);
    assert.equal((await login(fixture.authority.pin, 'slip_not-a-real-token-at-all')).code, 1);
    await assert.rejects(stat(path));
    assert.equal((await login(fixture.authority.pin, `${token}\n`)).code, 0);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal((JSON.parse(await readFile(path, 'utf8')) as { token: string }).token, token);
    assert.match(await ok(['whoami'], { env: { SLIPWAY_CONFIG: path } }), /^root \(admin\) at https:/);
  });

  it('prints a join token and the token of a new user once', async () => {
    assert.match(
      await ok(['nodes:token', '--quiet', '--ttl', '1h', '--label', 'zone=attic,disk=ssd']),
      /^slipjoin_[\w-]{43}\n$/,
    );
    assert.match(await ok(['nodes:tokens']), /joins a new node +zone=attic disk=ssd +by root .* expires in/);
    assert.match(await ok(['users:add', 'ada']), /^Added ada\..*\nslip_[\w-]{43}\n/);
  });

  it('explains a wrong certificate, a closed port, and a missing sign-in', async () => {
    const stranger = await openApi();
    const withUrl = async (url: string): Promise<CommandResult> => {
      const path = join(dir, 'elsewhere.json');
      await writeFile(path, JSON.stringify({ url, token, caPem: fixture.authority.caPem }));
      return await slipway(['whoami'], { env: { SLIPWAY_CONFIG: path } });
    };
    const foreign = await withUrl(stranger.url);
    await stranger.close();
    assert.deepEqual([foreign.code, foreign.stderr.includes('another authority issued its certificate')], [1, true]);
    assert.match((await withUrl('https://127.0.0.1:1')).stderr, /cannot be reached: nothing listens at this address/);
    assert.match(
      (await slipway(['whoami'], { env: { SLIPWAY_CONFIG: join(dir, 'none.json') } })).stderr,
      /not signed in/,
    );
  });

  it('exits with 2 and suggests the most similar name for unknown commands and flags', async () => {
    const command = await slipway(['aps']);
    assert.deepEqual(
      [command.code, command.stderr],
      [2, ' !    There is no command "aps".\n      Did you mean: slipway apps\n'],
    );
    const flag = await slipway(['logs', '--tial']);
    assert.deepEqual([flag.code, flag.stderr], [2, " !    Unknown option '--tial'.\n      Did you mean --tail?\n"]);
    assert.equal((await slipway(['config:get', '-a', 'x'])).code, 2);
    const topic = await slipway(['help', 'lgos']);
    assert.deepEqual(
      [topic.code, topic.stderr],
      [2, ' !    There is no command "lgos".\n      Did you mean: slipway logs\n'],
    );
    for (const args of [['--help'], [], ['logs', '--help'], ['help'], ['help', 'logs']])
      assert.match(await ok(args), /Usage: slipway/);
    for (const args of [['--version'], ['version']]) assert.match(await ok(args), /^slipway\/0\.1\.0 /);
  });

  it('refuses too many arguments instead of using only some of them', async () => {
    await ok(['create', 'named']);
    await ok(['domains:add', 'www.example.com', '-a', 'named']);
    const cleared = await slipway(['domains:clear', 'old.example.com', '-a', 'named']);
    assert.deepEqual(
      [cleared.code, cleared.stdout, cleared.stderr],
      [
        2,
        '',
        " !    Too many arguments for 'domains:clear'. Expected 0 arguments but got 1: old.example.com.\n      See: slipway domains:clear --help\n",
      ],
    );
    assert.match(await ok(['domains', '-a', 'named']), /www\.example\.com/);
    const twoWords = await slipway(['domains', 'remov', 'www.example.com', '-a', 'named']);
    assert.match(twoWords.stderr, /Did you mean domains:remove\?/);
    for (const args of [
      ['ps:restart', 'web', 'worker'],
      ['releases', 'v3'],
      ['nodes:drain', 'fra-1', 'fra-2'],
    ])
      assert.equal(
        (await slipway([...args, ...(args[0]!.startsWith('nodes') ? [] : ['-a', 'named'])])).code,
        2,
        args.join(' '),
      );
  });
});
