import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { mkdir, readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DEFAULT_ENV, run, runOk } from '../../shared/kit/exec.ts';
import { createBench, writeTree, type Bench } from '../support/build-bench.ts';

const APP = { Procfile: 'web: ./run\n' };

describe('buildpacks from elsewhere', () => {
  let bench: Bench;
  let server: Server;
  let url: string;
  let firstCommit: string;

  const git = (...args: string[]): Promise<{ stdout: string }> =>
    runOk(run, {
      file: 'git',
      args: ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-C', join(bench.root, 'www/bp'), ...args],
      env: { ...DEFAULT_ENV, HOME: bench.root },
    });
  const version = (text: string): Promise<void> =>
    writeTree(join(bench.root, 'www/bp'), {
      'bin/detect': '#!/bin/sh\necho Fetched\n',
      'bin/compile': `#!/bin/sh\necho version ${text}\n`,
    });

  before(async () => {
    bench = await createBench();
    const www = join(bench.root, 'www');
    await mkdir(join(www, 'bp'), { recursive: true });
    await version('one');
    await git('init', '-q', '-b', 'main');
    await git('add', '.');
    await git('commit', '-q', '-m', 'one');
    firstCommit = (await git('rev-parse', 'HEAD')).stdout.trim();
    await git('tag', 'v1');
    await version('two');
    await git('commit', '-q', '-a', '-m', 'two');
    await git('update-server-info');
    await runOk(run, { file: 'tar', args: ['-czf', join(www, 'root.tgz'), '-C', join(www, 'bp'), 'bin'] });
    await runOk(run, { file: 'tar', args: ['-czf', join(www, 'wrapped.tar.gz'), '-C', www, '--exclude=.git', 'bp'] });
    await runOk(run, { file: 'tar', args: ['-czPf', join(www, 'evil.tgz'), '/etc/hostname'] });
    server = createServer((request, response) => {
      readFile(join(www, (request.url ?? '').split('?')[0] ?? '')).then(
        (file) => response.end(file),
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(async () => {
    await bench.close();
    server.close();
    server.closeAllConnections();
  });

  const cases: readonly [string, () => string, RegExp][] = [
    ['a git repository', () => `${url}/bp/.git`, /version two/],
    ['a tag of it', () => `${url}/bp/.git#v1`, /version one/],
    ['a branch of it', () => `${url}/bp/.git#main`, /version two/],
    ['a short commit id of it', () => `${url}/bp/.git#${firstCommit.slice(0, 8)}`, /version one/],
    ['a tarball', () => `${url}/root.tgz`, /version two/],
    ['a tarball with one folder around everything, and a query', () => `${url}/wrapped.tar.gz?token=x`, /version two/],
  ];
  for (const [name, ref, said] of cases) {
    it(`come as ${name}`, async () => {
      await bench.build(APP, { config: { BUILDPACK_URL: ref() } });
      assert.match(bench.output(), said);
    });
  }

  it('come from the registry by their name, which is no organisation of GitHub', async () => {
    const named = await createBench({ config: { buildEnv: { BUILDPACK_REGISTRY_URL: `${url}/registry` } } });
    try {
      await mkdir(join(bench.root, 'www/registry/some-community'), { recursive: true });
      const file = join(bench.root, 'www/registry/some-community/apt.tgz');
      await runOk(run, { file: 'cp', args: [join(bench.root, 'www/root.tgz'), file] });
      const { slug } = await named.build(APP, { config: { BUILDPACK_URL: 'some-community/apt' } });
      assert.deepEqual(slug.buildpacks, ['some-community/apt']);
      assert.match(named.output(), /version two/);
      // The fall-back goes through a proxy that does not exist: nothing leaves this machine.
      const proxied = await createBench({
        config: { buildEnv: { BUILDPACK_REGISTRY_URL: `${url}/registry`, https_proxy: 'http://127.0.0.1:1' } },
      });
      await assert
        .rejects(proxied.build(APP, { config: { BUILDPACK_URL: 'some-community/none' } }), {
          code: 'SLIP_BUILD_BUILDPACK_FETCH',
          message: /some-community\/none could not be fetched: the registry of buildpacks: .*404.*; GitHub: fatal: /,
          hint: /registry of buildpacks, or give the address/,
        })
        .finally(() => proxied.close());
    } finally {
      await named.close();
    }
  });

  const hints: readonly [string, string, RegExp][] = [
    [
      'an address of the machine itself',
      'http://127.0.0.1:1/x.git',
      /Use the address of the repository in the network, or commit the buildpack/,
    ],
    ['a folder of the machine', '/srv/buildpacks/x', /Commit the buildpack into the app and name it \.\/FOLDER/],
  ];
  for (const [name, ref, hint] of hints) {
    it(`say what helps with ${name}`, async () => {
      await assert.rejects(bench.build(APP, { config: { BUILDPACK_URL: ref } }), {
        code: 'SLIP_BUILD_BUILDPACK_FETCH',
        hint,
      });
    });
  }

  it('are not shown with their credentials', async () => {
    const { slug } = await bench.build(APP, {
      config: { BUILDPACK_URL: `${url.replace('//', '//user:secret@')}/root.tgz` },
    });
    assert.deepEqual(slug.buildpacks, [`${url}/root.tgz`]);
    assert.doesNotMatch(bench.output(), /secret/);
  });

  const failures: readonly [string, () => string, RegExp][] = [
    ['there is none', () => `${url}/none.tgz`, /none\.tgz could not be fetched: .*404/],
    ['the branch is unknown', () => `${url}/bp/.git#nope`, /#nope could not be fetched/],
    ['the branch looks like an option', () => `${url}/bp/.git#--upload-pack=x`, /not a branch, tag or commit/],
    ['its archive leads out', () => `${url}/evil.tgz`, /an absolute path/],
    ['the server is not there', () => 'http://127.0.0.1:1/x.git', /could not be fetched: /],
  ];
  for (const [name, ref, message] of failures) {
    it(`fail with the cause when ${name}`, async () => {
      await assert.rejects(bench.build(APP, { config: { BUILDPACK_URL: ref() } }), {
        code: 'SLIP_BUILD_BUILDPACK_FETCH',
        message,
      });
    });
  }
});
