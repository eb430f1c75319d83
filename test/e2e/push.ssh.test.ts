import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import ssh2 from 'ssh2';
import { GIT_ENV } from '../../controller/push/git/git.argv.ts';
import { MAX_EXEC_BYTES } from '../../controller/push/parse-exec.ts';
import { generateSoundKey } from '../../controller/push/ssh/host-key.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { start } from '../../shared/kit/exec.ts';
import { eventually } from '../support/eventually.ts';
import { accept, PushFixture, type TestKey } from '../support/push-fixture.ts';
import { connectClient, execOn, OfferingAgent, readKexInit } from '../support/ssh-client.ts';

let fixture: PushFixture;
let ann: TestKey;
let eve: TestKey;
let stranger: TestKey;

before(async () => {
  fixture = await PushFixture.start();
  ann = await fixture.key('ann', 'ann');
  eve = await fixture.key('eve', 'eve');
  stranger = await fixture.key('stranger');
});
after(() => fixture.stop());

test('an unknown key is refused, and the user sees the key and the command that adds it', async () => {
  const tree = await fixture.workTree('unknown', 'unknown-app');
  const pushed = await tree.push(stranger);
  assert.equal(pushed.code, 128);
  assert.ok(
    pushed.stderr.startsWith(
      `Slipway does not know the key ${stranger.fingerprint}.\r\nAdd it with: slipway keys:add\r\n`,
    ),
    pushed.stderr,
  );
  assert.match(pushed.stderr, /Permission denied \(publickey\)\./);
});

test('a second key in the agent is not mentioned again after it was seen beside a good one', async () => {
  const spare = await fixture.key('spare');
  const first = await fixture.ssh([spare, ann], [], []);
  assert.match(first.stderr, /Hello ann/);
  const second = await fixture.ssh([spare, ann], [], []);
  assert.doesNotMatch(second.stderr, /does not know/);
});

test('a push whose key is removed ends at once, and ssh shows the reason', async () => {
  const former = await fixture.key('former', 'former');
  const tree = await fixture.workTree('former', 'former-app');
  const aborted = Promise.withResolvers<undefined>();
  fixture.policy.deployWith = async (_push, _output, signal) => {
    const reason = new SlipwayError({
      code: 'SLIP_KEY_REMOVED',
      message: 'The SSH key of this connection was removed.',
    });
    fixture.policy.removals.get(former.fingerprint)?.abort(reason);
    signal.addEventListener('abort', () => aborted.resolve(undefined));
    await aborted.promise;
    return { ok: false, reason: 'aborted' };
  };
  const pushed = await tree.push(former);
  fixture.policy.deployWith = accept;
  await aborted.promise;
  assert.notEqual(pushed.code, 0);
  assert.match(pushed.stderr, /The SSH key of this connection was removed\./);
});

test('a victim’s key that is only offered does not become the identity', async () => {
  const agent = new OfferingAgent([ann, eve], new Map([[eve.fingerprint, eve]]));
  const client = await connectClient(fixture, { agent });
  assert.match((await execOn(client, 'shell')).stderr, /^Hello eve/);
  client.end();
});

test('a victim’s key signed with another key is refused', async () => {
  const agent = new OfferingAgent([ann], new Map([[ann.fingerprint, eve]]));
  await assert.rejects(connectClient(fixture, { agent }), /authentication methods failed/i);
});

test('passwords and keyboard-interactive are not offered', async () => {
  await assert.rejects(
    connectClient(fixture, { password: 'x'.repeat(1000), tryKeyboard: true }),
    /authentication methods failed/i,
  );
  assert.match(
    (await fixture.ssh([], ['-o', 'PreferredAuthentications=password,none'], ['x'])).stderr,
    /Permission denied \(publickey\)/,
  );
});

test('a client whose agent holds many unknown keys before the right one gets in', async () => {
  const keys = await manyKeys(15);
  const agent = new OfferingAgent([...keys, ann], new Map([[ann.fingerprint, ann]]));
  const client = await connectClient(fixture, { agent });
  assert.match((await execOn(client, 'shell')).stderr, /^Hello ann/);
  client.end();
});

test('a client that tries too many keys is disconnected, and ssh shows the reason and the next step', async () => {
  const keys = await manyKeys(21);
  const agent = new OfferingAgent([...keys, ann], new Map([[ann.fingerprint, ann]]));
  await assert.rejects(connectClient(fixture, { agent }));
  const { stderr } = await fixture.ssh([...keys, ann], [], []);
  assert.match(stderr, /Slipway tried 20 keys of this connection, which is the limit, and knows none of them\./);
  assert.match(stderr, /Name the right key in ~\/\.ssh\/config: IdentityFile/);
  assert.match(stderr, /Received disconnect from .*:14: Slipway tried 20 keys/);
});

function manyKeys(count: number): Promise<TestKey[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => fixture.key(`many${String(index)}`)));
}

test('the key identifies the user, not the user name of the client', async () => {
  for (const username of ['root', '-oProxyCommand=x', 'x'.repeat(20_000), 'a\0b']) {
    const client = await connectClient(fixture, { username, privateKey: ann.privateKey });
    assert.match((await execOn(client, 'shell')).stderr, /^Hello ann/);
    client.end();
  }
});

test('only strong algorithms are offered, with strict key exchange', async () => {
  const { kex, hostKey, ciphers, macs, compression } = await readKexInit(fixture.address.port);
  assert.ok(kex.includes('kex-strict-s-v00@openssh.com') && kex.includes('curve25519-sha256'));
  assert.deepEqual(hostKey, ['ssh-ed25519']);
  assert.deepEqual(compression, ['none']);
  for (const name of [...kex, ...ciphers, ...macs])
    assert.doesNotMatch(name, /sha1$|sha1-|-cbc|arcfour|md5|group1-|group14-|chacha/, name);
});

test('a shell gets a greeting, hints and exit code 1, with and without a terminal', async () => {
  const plain = await fixture.ssh([ann], [], []);
  assert.equal(plain.code, 1);
  assert.match(plain.stderr, /Hello ann\..*\nThere is no shell\. Deploy with git:\n/);
  const terminal = await fixture.ssh([ann], ['-tt'], []);
  assert.equal(terminal.code, 1);
});

test('other commands are refused with a reason', async () => {
  for (const command of ['ls -la', 'scp -t /tmp', 'git-upload-archive x', "git-receive-pack 'a' 'b'", 'sh -c id']) {
    const result = await fixture.ssh([ann], [], [command]);
    assert.equal(result.code, 1, command);
    assert.match(
      result.stderr,
      /Only git push, fetch and clone are possible here, but the command was .*\.\nDeploy with: git push slipway main\n$/,
    );
  }
  const bad = await fixture.ssh([ann], [], ["git-receive-pack '../x'"]);
  assert.match(bad.stdout, /^[0-9a-f]{4}ERR The app name "\.\.\/x" is not allowed\.\nAn app name has/);
});

test('a command longer than 16 KiB is refused', async () => {
  const client = await connectClient(fixture, { privateKey: ann.privateKey });
  await assert.rejects(execOn(client, `git-receive-pack '${'a'.repeat(MAX_EXEC_BYTES)}'`), /Unable to exec/);
  client.end();
});

test('sftp and port forwards are refused', async () => {
  const client = await connectClient(fixture, { privateKey: ann.privateKey });
  await assert.rejects(
    new Promise((done, fail) =>
      client.sftp((error) => {
        if (error) fail(error);
        else done(0);
      }),
    ),
  );
  await assert.rejects(
    new Promise((done, fail) =>
      client.forwardOut('127.0.0.1', 1, '127.0.0.1', 22, (error) => {
        if (error) fail(error);
        else done(0);
      }),
    ),
  );
  await assert.rejects(
    new Promise((done, fail) =>
      client.forwardIn('127.0.0.1', 0, (error) => {
        if (error) fail(error);
        else done(0);
      }),
    ),
  );
  await assert.rejects(
    new Promise((done, fail) =>
      client.openssh_forwardOutStreamLocal('/run/x', (error) => {
        if (error) fail(error);
        else done(0);
      }),
    ),
  );
  client.end();
  const sftp = await fixture.ssh([ann], ['-s'], ['sftp']);
  assert.match(sftp.stderr, /subsystem request failed/);
});

test('a connection has one session at a time, but may have another after it', async () => {
  const client = await connectClient(fixture, { privateKey: ann.privateKey });
  const both = await Promise.allSettled([execOn(client, 'shell'), execOn(client, 'shell')]);
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  await eventually('a new session after the first', () =>
    execOn(client, 'shell').then(
      ({ code }) => code === 1,
      () => false,
    ),
  );
  client.end();
});

test('no variable of the client reaches git but a well-formed GIT_PROTOCOL', async () => {
  const environments: string[] = [];
  fixture.policy.deployWith = async (push) => {
    environments.push(await receivePackEnvironment());
    return accept(push);
  };
  const tree = await fixture.workTree('environment', 'environment-app');
  const options = ['SendEnv=*', 'SetEnv=LD_PRELOAD=/tmp/evil'].map((option) => ` -o ${option}`).join('');
  const good = fixture.env(ann);
  const evil = { GIT_PROTOCOL: 'version=1; id', '--split-string': 'id', BASH_ENV: '/tmp/evil' };
  const env = { ...good, ...evil, GIT_SSH_COMMAND: `${good['GIT_SSH_COMMAND'] ?? ''}${options}` };
  const child = start({ file: 'git', args: ['push', 'slipway', 'main'], cwd: tree.dir, env }, 'ignore');
  await eventually('the push to end', () => child.exitCode !== null);
  fixture.policy.deployWith = accept;
  const expected = Object.entries(GIT_ENV)
    .map(([name, value]) => `${name}=${value}\0`)
    .join('');
  assert.deepEqual(environments, [expected]);
});

async function receivePackEnvironment(): Promise<string> {
  const children = (await readFile(`/proc/self/task/${String(process.pid)}/children`, 'utf8')).trim().split(' ');
  for (const pid of children) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''); // it may have ended
    if (command.includes('\0receive-pack\0')) return readFile(`/proc/${pid}/environ`, 'utf8');
  }
  return 'no receive-pack';
}

test('raw environment requests are refused but for the three protocol versions', async () => {
  assert.equal((await (await fixture.workTree('raw', 'raw-app')).push(ann)).code, 0);
  const client = await connectClient(fixture, { privateKey: ann.privateKey });
  const env = {
    '--split-string=id': 'x',
    LD_PRELOAD: '/tmp/x',
    GIT_PROTOCOL: 'version=3',
    ...Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`V${String(i)}`, 'x'])),
  };
  const result = await execOn(client, "git-upload-pack 'raw-app'", env);
  assert.match(result.stdout, /^[0-9a-f]{4}[0-9a-f]{40} HEAD\0/);
  client.end();
  const other = await connectClient(fixture, { privateKey: ann.privateKey });
  assert.match(
    (await execOn(other, "git-upload-pack 'raw-app'", { GIT_PROTOCOL: 'version=2' })).stdout,
    /^000eversion 2/,
  );
  other.end();
});

test('500 silent sockets, from the same address and from others, do not keep a push out', async () => {
  const sockets: Socket[] = [];
  for (let index = 0; index < 500; index += 1) {
    const localAddress = index % 2 === 0 ? '127.0.0.1' : `127.0.${String(1 + (index % 200))}.9`;
    sockets.push(
      connect({ host: '127.0.0.1', port: fixture.address.port, localAddress })
        .on('error', () => undefined)
        .resume(),
    );
  }
  const tree = await fixture.workTree('silent', 'silent-app');
  const pushed = await tree.push(ann);
  assert.equal(pushed.code, 0, pushed.stderr);
  await eventually('all but 100 to be hung up on', () => sockets.filter((socket) => !socket.closed).length <= 100);
  for (const socket of sockets) socket.destroy();
});

test('half-open connections that talk, many of one address and one of many addresses, do not keep a push out', async () => {
  const sockets: Socket[] = [];
  for (let index = 0; index < 300; index += 1) {
    const localAddress = index % 2 === 0 ? '127.0.0.1' : `127.1.${String(index % 250)}.9`;
    const socket = connect({ host: '127.0.0.1', port: fixture.address.port, localAddress })
      .on('error', () => undefined)
      .resume();
    socket.write('SSH-2.0-half-open\r\n');
    sockets.push(socket);
  }
  await eventually('all but 100 to be hung up on', () => sockets.filter((socket) => !socket.closed).length <= 100);
  const tree = await fixture.workTree('half-open', 'half-open-app');
  const pushed = await tree.push(ann);
  assert.equal(pushed.code, 0, pushed.stderr);
  for (const socket of sockets) socket.destroy();
});

test('garbage instead of SSH is hung up on and does no harm', async () => {
  for (const bytes of [
    'GET / HTTP/1.1\r\n\r\n',
    Buffer.alloc(200_000, 0xff),
    'SSH-2.0-x\r\n\xff\xff\xff\xff',
    'SSH-1.0-x\r\n',
    '\0\0\0\0\r\n',
  ]) {
    const socket = connect(fixture.address.port, '127.0.0.1').on('error', () => undefined);
    socket.write(bytes);
    socket.resume();
    await eventually('the server to hang up', () => socket.closed);
  }
  assert.match((await fixture.ssh([ann], [], [])).stderr, /Hello ann/);
});

test('a client that never logs in is dropped when its grace is over', async () => {
  const strict = await PushFixture.start({ limits: { graceMs: 100 } });
  const socket = connect(strict.address.port, '127.0.0.1').on('error', () => undefined);
  socket.write('SSH-2.0-slow\r\n');
  socket.resume();
  await eventually('the grace to end', () => socket.closed);
  await strict.stop();
});

test('the host key is private to its owner and stays the same', async () => {
  const path = join(fixture.dir, 'state', 'ssh_host_ed25519_key');
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(join(fixture.dir, 'state')), ['ssh_host_ed25519_key']);
});

test('generated keys are always valid', () => {
  for (let index = 0; index < 200; index += 1) {
    const key = generateSoundKey(() => ssh2.utils.generateKeyPairSync('ed25519').private);
    assert.ok(!((ssh2.utils.parseKey(key) as unknown) instanceof Error));
  }
});

test('a port in use is reported in one clear line', async () => {
  await mkdir(join(fixture.dir, 'x'), { recursive: true });
  await assert.rejects(
    PushFixture.start({ port: fixture.address.port }),
    /The SSH port \d+ on 127\.0\.0\.1 is used by another program/,
  );
});
