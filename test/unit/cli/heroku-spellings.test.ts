import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cli } from '../../../cli/cli.ts';
import { clientOver } from '../../../cli/client.ts';
import { runProgram } from '../../../cli/program.ts';
import { plainPaint } from '../../../cli/terminal/paint.ts';

const INSTANCE = { release: 1, node: 'fra-1', command: 'node .', state: 'live', desired: 'run', restarts: 0 };
const SETTINGS = { root: 'api', buildpacks: ['heroku/nodejs', 'https://u:p@x.example/b.git'] };
const BODIES: Readonly<Record<string, unknown>> = {
  'GET /apps/shop/config': { config: { A: '1', B: 'two words' } },
  'GET /apps/shop': {
    ...{
      name: 'shop',
      owner: 'ada',
      stack: 'host',
      webUrl: 'http://shop.localhost:8080',
      gitUrl: 'ssh://git@127.0.0.1:2222/shop.git',
    },
    ...{ createdAtMs: 0, formation: { web: 1 }, buildpacks: [] },
  },
  'PATCH /apps/shop/build-settings': SETTINGS,
  'GET /apps/shop/build-settings': SETTINGS,
  'POST /apps/shop/restart': { instances: 1 },
  'POST /apps/shop/stop': { types: ['web'], stopped: ['web'] },
  'GET /apps/shop/formation': [],
  'GET /apps/shop/ps': [
    { ...INSTANCE, name: 'web.1', type: 'web' },
    { ...INSTANCE, name: 'worker.1', type: 'worker' },
  ],
};

interface Outcome {
  readonly output: string;
  /** The requests to the API, in order. */
  readonly asked: readonly string[];
}

/** Runs a command line of an app called shop against the fixed answers above. */
async function type(...args: readonly string[]): Promise<Outcome> {
  const asked: string[] = [];
  let output = '';
  const client = clientOver({
    url: 'https://controller.test',
    ask: ({ method, path, body }) => {
      const route = `${method} ${path.replace('/v1', '')}`;
      asked.push(`${route}${body === undefined ? '' : ` ${JSON.stringify(body)}`}`);
      return Promise.resolve({ text: JSON.stringify(BODIES[route]), header: () => undefined });
    },
    stream: (path) => {
      asked.push(`GET ${path.replace('/v1', '')}`);
      return Promise.resolve((async function* () {})());
    },
    close: () => Promise.resolve(),
  });
  const cli = {
    ...{
      note: () => undefined,
      colour: false,
      paint: plainPaint,
      interactive: false,
      nowMs: () => 0,
      signal: new AbortController().signal,
    },
    write: (part: string) => {
      output += part;
      return Promise.resolve();
    },
    api: () => Promise.resolve(client),
    app: () => Promise.resolve('shop'),
  };
  await runProgram(args, cli as unknown as Cli);
  return { output, asked };
}

async function refusal(...args: readonly string[]): Promise<string> {
  return await type(...args).then(
    () => 'done',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

describe('spellings that people bring from Heroku', () => {
  it('of config', async () => {
    assert.equal((await type('config:get', 'B', 'A')).output, 'two words\n1\n');
    assert.equal((await type('config:get', 'B', '-s')).output, "B='two words'\n");
    assert.deepEqual(JSON.parse((await type('config', '-j')).output), { config: { A: '1', B: 'two words' } });
    assert.equal(await refusal('config:get', 'A', 'C'), 'shop has no config var "C".');
  });

  it('of apps', async () => {
    assert.match(
      (await type('info', '-s')).output,
      /^name=shop\nowner=ada\nstack=host\nweb_url=http:\/\/shop\.localhost:8080\n/,
    );
    assert.equal((await type('open', '/orders?x=1')).output, 'http://shop.localhost:8080/orders?x=1\n');
    assert.equal((await type('open')).output, 'http://shop.localhost:8080\n');
    assert.equal((await type('open', '//evil.test/')).output, 'http://shop.localhost:8080/evil.test/\n');
  });

  it('of processes', async () => {
    const { output } = await type('ps', 'worker');
    assert.match(output, /worker\.1/);
    assert.doesNotMatch(output, /web\.1/);
    for (const args of [['web'], ['--process-type', 'web'], ['-p', 'web']])
      assert.deepEqual((await type('ps:stop', ...args)).asked, ['POST /apps/shop/stop {"process":"web"}']);
    for (const args of [
      ['web.1'],
      ['--dyno-name', 'web.1'],
      ['-d', 'web.1'],
      ['--process-type', 'web.1'],
      ['-p', 'web.1'],
    ])
      assert.deepEqual(
        (await type('ps:restart', ...args)).asked,
        ['POST /apps/shop/restart {"process":"web.1"}'],
        args.join(' '),
      );
    assert.equal(await refusal('ps:restart', 'web', '-d', 'web.1'), 'Name only one process.');
  });

  it('of logs', async () => {
    for (const flags of [
      ['-p', 'web'],
      ['--ps', 'web'],
      ['--process-type', 'web'],
      ['-d', 'web'],
      ['--dyno', 'web'],
      ['--dyno-name', 'web'],
    ])
      assert.deepEqual(
        (await type('logs', ...flags)).asked,
        ['GET /apps/shop/logs?lines=100&process=web'],
        flags.join(' '),
      );
    assert.deepEqual((await type('logs', '-s', 'app')).asked, ['GET /apps/shop/logs?lines=100&source=app']);
    assert.deepEqual((await type('logs', '--source', 'heroku')).asked, [
      'GET /apps/shop/logs?lines=100&source=slipway',
    ]);
    assert.equal(await refusal('logs', '-s', 'router'), '--source must be app or slipway.');
    assert.equal(await refusal('logs', '-d', 'web.1', '-p', 'web'), 'Name only one process.');
  });

  it('buildpacks are set, added, removed and cleared as on Heroku, for the next push', async () => {
    const asked = async (...args: readonly string[]): Promise<unknown> => {
      const { asked: calls, output } = await type(...args, '-a', 'shop');
      assert.match(
        output,
        /^=== shop buildpacks\n1\. heroku\/nodejs\n2\. https:\/\/x\.example\/b\.git\nThe next push uses this\.\n$/,
      );
      return JSON.parse(calls[0]?.replace('PATCH /apps/shop/build-settings ', '') ?? '');
    };
    assert.deepEqual(await asked('buildpacks:set', 'heroku/nodejs'), {
      buildpacks: { op: 'set', name: 'heroku/nodejs' },
    });
    assert.deepEqual(await asked('buildpacks:add', '-i', '1', 'a/b'), {
      buildpacks: { op: 'add', name: 'a/b', index: 1 },
    });
    assert.deepEqual(await asked('buildpacks', 'remove', '--index', '2'), { buildpacks: { op: 'remove', index: 2 } });
    assert.deepEqual(await asked('buildpacks:clear'), { buildpacks: { op: 'clear' } });
    assert.equal(await refusal('buildpacks:remove'), 'Give the name of a buildpack or its --index.');
    assert.equal(await refusal('buildpacks:add', 'a/b', '--index', '0'), '--index must be a number, 1 or more.');
    assert.match(
      (await type('apps:root', 'api')).output,
      /^shop: builds use only the folder api of the repository\.\nThe next/,
    );
    assert.deepEqual((await type('apps:root', '--clear')).asked, ['PATCH /apps/shop/build-settings {"root":null}']);
    assert.deepEqual((await type('apps:root')).asked, ['GET /apps/shop/build-settings']);
    assert.equal(await refusal('apps:root', 'api', '--clear'), 'Give a folder or --clear, not both.');
  });

  it('a wrong command is reported before its flags', async () => {
    assert.equal(await refusal('restrat', '-a', 'shop', '--force'), 'There is no command "restrat".');
    assert.equal(await refusal('psx', '-x'), 'There is no command "psx".');
  });
});
