import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { run, start, type CommandResult } from '../../../shared/kit/exec.ts';
import { eventually } from '../../support/eventually.ts';
import { TestFleet } from '../../support/fleet.ts';
import { helloApp } from '../../support/fleet-user.ts';

const NOBODY = 65_534;

type Files = Readonly<Record<string, string>>;

async function archiveOf(files: Files): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name, mode: 0o755 }, content);
  tar.finalize();
  return gzipSync(await buffer(tar));
}

const inFolder = (files: Files, folder: string): Files =>
  Object.fromEntries(Object.entries(files).map(([name, content]) => [`${folder}/${name}`, content]));

describe('deploys without git', () => {
  let fleet: TestFleet;

  before(async () => {
    fleet = await TestFleet.start({ sandbox: 'process', ...(process.getuid?.() === 0 ? { agentUid: NOBODY } : {}) });
    for (const app of ['hello', 'live']) await fleet.slipway('create', app, '--no-remote');
  });
  after(() => fleet.stop());

  const slipway = (...args: string[]): Promise<CommandResult> =>
    run({ ...fleet.slipwayCommand(args), timeoutMs: 240_000 });
  const folderOf = async (files: Files): Promise<string> => {
    const folder = await mkdtemp(join(fleet.dir, 'source-'));
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), content, { mode: 0o755 });
    }
    return folder;
  };
  const fileOf = async (files: Files): Promise<string> => {
    const path = join(await mkdtemp(join(fleet.dir, 'archive-')), 'app.tgz');
    await writeFile(path, await archiveOf(files));
    return path;
  };

  it('builds and releases a folder without the files that .gitignore names', async () => {
    const ignored = { '.gitignore': 'secret.txt\n', 'secret.txt': 'secret' };
    const folder = await folderOf({ ...helloApp('1'), ...ignored, Procfile: 'web: ls && node server.js\n' });
    const { code, stdout, stderr } = await slipway('deploy', folder, '-a', 'hello');
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /Archive received: 4 files\n[^]*Released v1 · live on 1 node/);
    assert.match(stderr, /^Sending 4 files$/m);
    assert.match((await fleet.site.get('hello')).body, /version=1 /);
    const logs = await fleet.pastLogs('-n', '100', '-a', 'hello');
    assert.match(logs, /server\.js/);
    assert.doesNotMatch(logs, /secret/);
  });

  it('takes an archive from a file or a URL, and a push works after it', async () => {
    const file = await fileOf(inFolder(helloApp('2'), 'hello-2'));
    const fromFile = await slipway('deploy', '--archive', file, '-a', 'hello', '--json');
    assert.equal(fromFile.code, 0, fromFile.stdout + fromFile.stderr);
    assert.equal(fromFile.stdout.trimEnd().split('\n').at(-1), '{"ok":true}');
    assert.match((await fleet.site.get('hello')).body, /version=2 /);
    const archive = await archiveOf(helloApp('3'));
    const server = createServer((request, response) => {
      if (request.url === '/app.tgz') response.end(archive);
      else response.writeHead(request.url === '/latest' ? 302 : 404, { location: '/app.tgz' }).end();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    try {
      const fromUrl = await slipway('deploy', '--archive', `${url}/latest`, '-a', 'hello');
      assert.equal(fromUrl.code, 0, fromUrl.stdout + fromUrl.stderr);
      const missing = await slipway('deploy', '--archive', `${url}/missing`, '-a', 'hello');
      assert.deepEqual([missing.code, missing.stderr.includes('status 404')], [1, true], missing.stderr);
    } finally {
      server.close();
    }
    assert.match((await fleet.site.get('hello')).body, /version=3 /);
    const repository = await fleet.me.repository('hello', helloApp('4'));
    const pushed = await repository.push('hello');
    assert.ok(pushed.ok, pushed.text);
    assert.match((await fleet.site.get('hello')).body, /version=4 /);
    const older = await slipway('deploy', '--archive', file, '-a', 'hello');
    assert.equal(older.code, 0, older.stdout + older.stderr);
    assert.match((await fleet.site.get('hello')).body, /version=2 /);
    const again = await repository.push('hello');
    assert.ok(again.ok, again.text);
    assert.match(again.text, /Released v\d/, 'the commit that was pushed before');
    assert.match((await fleet.site.get('hello')).body, /version=4 /);
  });

  it('refuses an archive that leaves its folder, and fails with the exit code of a build that fails', async () => {
    const hostile = await slipway('deploy', '--archive', await fileOf({ '../x': 'x' }), '-a', 'hello');
    assert.equal(hostile.code, 1);
    assert.match(hostile.stderr, /"\.\.\/x" in the archive leaves the folder/);
    const broken = await slipway('deploy', '--archive', await fileOf({ Procfile: 'no colon\n' }), '-a', 'hello');
    assert.equal(broken.code, 1, broken.stdout);
    assert.match(broken.stderr, /The deploy of hello failed: /);
    await fleet.slipway('apps:lock', '-m', 'a migration', '-a', 'hello');
    const locked = await slipway('deploy', '--archive', await fileOf(helloApp('5')), '-a', 'hello');
    assert.match(locked.stderr, /a migration/);
    await fleet.slipway('apps:unlock', '-a', 'hello');
    assert.match((await fleet.site.get('hello')).body, /version=4 /);
  });

  it('cancels the build when the user presses Ctrl-C', async () => {
    const buildpack = {
      'slow/bin/detect': '#!/bin/sh\necho slow\n',
      'slow/bin/compile': '#!/bin/sh\necho began\nsleep 600\n',
    };
    const folder = await folderOf({
      ...buildpack,
      'app.json': '{"buildpacks":[{"url":"./slow"}]}',
      Procfile: 'web: x\n',
    });
    const child = start(fleet.slipwayCommand(['deploy', folder, '-a', 'hello']), ['ignore', 'pipe', 'ignore']);
    const ended = once(child, 'exit');
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
    await eventually('the build runs', () => Promise.resolve(output.includes('began') || undefined));
    child.kill('SIGINT');
    const [code] = (await ended) as [number | null];
    assert.notEqual(code, 0);
    await eventually(
      'the build is cancelled',
      async () => (await fleet.slipway('builds', '-n', '1', '-a', 'hello')).includes('cancelled') || undefined,
    );
  });

  it('gives a new app what app.json names, after a refusal with the place of a mistake and with what is missing', async () => {
    await fleet.slipway('create', 'declared', '--no-remote');
    const appJson = {
      env: { LEVEL: 'info', KEY: { generator: 'secret' }, NEEDED: { description: 'x' } },
      formation: { web: { quantity: 2 } },
    };
    const deploy = async (text: string): Promise<CommandResult> =>
      await slipway('deploy', await folderOf({ ...helloApp('1'), 'app.json': text }), '-a', 'declared');
    const wrong = await deploy('{\n  "env": { "LEVEL": 1 }\n}');
    assert.match(wrong.stdout, /"env\.LEVEL" must be an object \(line 2, column 21\)/);
    const missing = await deploy(JSON.stringify(appJson));
    assert.match(
      missing.stdout,
      /does not have: NEEDED\.\n !     Set them, then push again: slipway config:set NEEDED=VALUE/,
    );
    assert.equal(await fleet.slipway('builds', '-a', 'declared').then((text) => text.includes('no builds yet')), true);
    await fleet.slipway('config:set', 'NEEDED=x', '-a', 'declared');
    const done = await deploy(JSON.stringify(appJson));
    assert.equal(done.code, 0, done.stdout + done.stderr);
    assert.match(done.stdout, /Applying app\.json\n {7}Set config vars: LEVEL, KEY\n {7}Scaled: web=2\n/);
    assert.match(await fleet.slipway('config', '-a', 'declared'), /KEY: +[0-9a-f]{64}\nLEVEL: +info\n/);
    assert.match(await fleet.slipway('ps', '-a', 'declared'), /web\.2/);
  });

  it('promotes the release to another app with the config of that app', async () => {
    await fleet.slipway('config:set', 'GREETING=live', '-a', 'live');
    const promoted = await slipway('promote', '--to', 'live', '-a', 'hello');
    assert.equal(promoted.code, 0, promoted.stderr);
    assert.match(promoted.stdout, /^Promoted v\d of hello \(commit \w{7}\) to live: it is live there as v1/);
    assert.match((await fleet.site.get('live')).body, /version=4 /);
    assert.match(await fleet.slipway('releases', '-a', 'live'), /v1 +current +Promote hello v\d/);
    assert.match(await fleet.slipway('config', '-a', 'live'), /GREETING: +live/);
    const repository = await fleet.me.repository('live', helloApp('9'));
    const pushed = await repository.push('live');
    assert.ok(pushed.ok, pushed.text);
    await slipway('promote', '--to', 'live', '-a', 'hello');
    assert.match((await fleet.site.get('live')).body, /version=4 /);
    const again = await repository.push('live');
    assert.match(again.text, /Released v4/, 'the commit that was pushed before the promotion');
    assert.match((await fleet.site.get('live')).body, /version=9 /);
  });
});
