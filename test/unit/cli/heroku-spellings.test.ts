import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cli } from '../../../cli/cli.ts';
import type { ApiClient } from '../../../cli/client.ts';
import { runProgram } from '../../../cli/program.ts';
import { plainPaint } from '../../../cli/render/paint.ts';

const INSTANCE = { release: 1, node: 'fra-1', command: 'node .', state: 'live', desired: 'run', restarts: 0 };
const BODIES: Readonly<Record<string, unknown>> = {
  'GET /apps/shop/config': { config: { A: '1', B: 'two words' } },
  'GET /apps/shop': {
    ...{ name: 'shop', owner: 'ada', stack: 'host', webUrl: 'http://shop.localhost:8080', gitUrl: 'ssh://git@127.0.0.1:2222/shop.git' },
    ...{ createdAtMs: 0, formation: { web: 1 }, buildpacks: [] },
  },
  'GET /apps/shop/ps': [
    { ...INSTANCE, name: 'web.1', type: 'web' },
    { ...INSTANCE, name: 'worker.1', type: 'worker' },
  ],
};

interface Outcome {
  readonly output: string;
  /** What the API was asked for, in order. */
  readonly asked: readonly string[];
}

/** Runs a command line of an app called shop against answers that stand above. */
async function type(...args: readonly string[]): Promise<Outcome> {
  const asked: string[] = [];
  let output = '';
  const call = <T>(method: string, path: string, body?: unknown): Promise<T> => {
    asked.push(`${method} ${path}${body === undefined ? '' : ` ${JSON.stringify(body)}`}`);
    return Promise.resolve((BODIES[`${method} ${path}`] ?? {}) as T);
  };
  const stream = (path: string): Promise<AsyncIterable<Uint8Array>> => {
    asked.push(`GET ${path}`);
    return Promise.resolve((async function* () {})());
  };
  const list = <T>(path: string): Promise<readonly T[]> => call<readonly T[]>('GET', path);
  const client: ApiClient = { url: 'https://controller.test', call, callAsIs: call, list, stream, close: () => Promise.resolve() };
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
    assert.match((await type('info', '-s')).output, /^name=shop\nowner=ada\nstack=host\nweb_url=http:\/\/shop\.localhost:8080\n/);
    assert.equal((await type('open', '/orders?x=1')).output, 'http://shop.localhost:8080/orders?x=1\n');
    assert.equal((await type('open')).output, 'http://shop.localhost:8080\n');
    assert.equal((await type('open', '//evil.test/')).output, 'http://shop.localhost:8080/evil.test/\n');
  });

  it('of processes', async () => {
    const { output } = await type('ps', 'worker');
    assert.match(output, /worker\.1/);
    assert.doesNotMatch(output, /web\.1/);
    for (const args of [['web.1'], ['--dyno-name', 'web.1'], ['-d', 'web.1'], ['--process-type', 'web.1'], ['-p', 'web.1']])
      assert.deepEqual((await type('ps:restart', ...args)).asked, ['POST /apps/shop/restart {"process":"web.1"}'], args.join(' '));
    assert.equal(await refusal('ps:restart', 'web', '-d', 'web.1'), 'Name one process only.');
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
      assert.deepEqual((await type('logs', ...flags)).asked, ['GET /apps/shop/logs?lines=100&process=web'], flags.join(' '));
    assert.deepEqual((await type('logs', '-s', 'app')).asked, ['GET /apps/shop/logs?lines=100&source=app']);
    assert.deepEqual((await type('logs', '--source', 'heroku')).asked, ['GET /apps/shop/logs?lines=100&source=slipway']);
    assert.equal(await refusal('logs', '-s', 'router'), '--source takes app or slipway.');
    assert.equal(await refusal('logs', '-d', 'web.1', '-p', 'web'), 'Name one process only.');
  });

  it('a mistyped command is named, whatever its flags', async () => {
    assert.equal(await refusal('restrat', '-a', 'shop', '--force'), 'There is no command "restrat".');
    assert.equal(await refusal('psx', '-x'), 'There is no command "psx".');
    await assert.rejects(type('buildpacks:set', 'heroku/ruby', '-a', 'shop'), {
      message: 'There is no command "buildpacks:set".',
      hint: /into its file \.buildpacks, one a line/,
    });
  });
});
