import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clientOver, type ApiClient } from '../../../cli/client.ts';
import { NEXT_PAGE_HEADER } from '../../../shared/api/apps.ts';

const APP = {
  name: 'shop',
  owner: 'ada',
  stack: 'host',
  createdAtMs: 0,
  webUrl: 'http://shop.test',
  gitUrl: 'ssh://x',
};
const INSTANCE = { name: 'web.1', type: 'web', release: 1, node: 'fra-1', command: 'node .', restarts: 0 };

interface Fake {
  readonly client: ApiClient;
  /** The requests, in order. */
  readonly asked: readonly string[];
}

/** Answers each request with the next text. */
function fake(...texts: readonly string[]): Fake {
  const asked: string[] = [];
  const client = clientOver({
    url: 'https://controller.test',
    ask: ({ method, path, body }) => {
      asked.push(`${method} ${path}${body === undefined ? '' : ` ${JSON.stringify(body)}`}`);
      const header = (name: string): string | undefined =>
        name === NEXT_PAGE_HEADER && asked.length < texts.length ? `page-${String(asked.length)}` : undefined;
      return Promise.resolve({ text: texts[asked.length - 1] ?? '', header });
    },
    stream: (path) => {
      asked.push(`GET ${path}`);
      return Promise.resolve(
        (async function* () {
          for (const text of texts) yield Buffer.from(text);
        })(),
      );
    },
    close: () => Promise.resolve(),
  });
  return { client, asked };
}

describe('client of the API', () => {
  it('builds the path, the query and the body of a route', async () => {
    const { client, asked } = fake('{"instances":2}', '[]', '');
    await client.call('restartApp', { params: { app: 'a/b' }, body: { process: 'web' } });
    await client.call('listReleases', { params: { app: 'shop' }, query: { limit: 3, before: undefined } });
    await client.call('removeToken', { params: { id: 'x y' } });
    assert.deepEqual(asked, [
      'POST /v1/apps/a%2Fb/restart {"process":"web"}',
      'GET /v1/apps/shop/releases?limit=3',
      'DELETE /v1/tokens/x%20y',
    ]);
  });

  it('reads the answer of a newer controller: without unknown fields, and unknown words as unknown', async () => {
    const newer = { ...INSTANCE, state: 'hibernating', desired: 'run', colour: 'blue' };
    const { client } = fake(JSON.stringify([newer]));
    assert.deepEqual(await client.call('listInstances', { params: { app: 'shop' } }), [
      { ...INSTANCE, state: 'unknown', desired: 'run' },
    ]);
  });

  it('reads the answer of an older controller that removes a domain without an answer', async () => {
    const { client } = fake('');
    assert.equal(await client.call('removeDomain', { params: { app: 'shop', hostname: 'x.test' } }), undefined);
  });

  it('names the field of an answer that it cannot read', async () => {
    const { client } = fake('{"instances":"two"}', 'a page of another server');
    const restart = (): Promise<unknown> => client.call('restartApp', { params: { app: 'shop' }, body: {} });
    await assert.rejects(restart, {
      code: 'SLIP_CLI_ANSWER',
      message: /answer to restartApp .* in the field instances: /,
    });
    await assert.rejects(restart, { code: 'SLIP_CLI_ANSWER' });
  });

  it('makes texts safe for a terminal, except for programs', async () => {
    const text = JSON.stringify({ config: { A: '\u001b[2J' } });
    const { client } = fake(text, text);
    assert.equal((await client.call('showConfig', { params: { app: 'shop' } })).config['A'], '\\x1b[2J');
    assert.equal((await client.callAsIs('showConfig', { params: { app: 'shop' } })).config['A'], '\u001b[2J');
  });

  it('reads a list page by page', async () => {
    const { client, asked } = fake(JSON.stringify([APP]), JSON.stringify([{ ...APP, name: 'site' }]));
    assert.deepEqual(
      (await client.list('listApps')).map(({ name }) => name),
      ['shop', 'site'],
    );
    assert.deepEqual(asked, ['GET /v1/apps', 'GET /v1/apps?after=page-1']);
  });

  it('reads the lines of a stream and skips empty ones', async () => {
    const line = { atMs: 1, source: 'app', process: 'web.1', message: 'hello' };
    const { client, asked } = fake(`${JSON.stringify(line)}\n\n`, `${JSON.stringify(line)}\n`);
    const options = { signal: new AbortController().signal };
    const lines = client.lines('readLogs', { params: { app: 'shop' }, query: { follow: true } }, options);
    const read: unknown[] = [];
    for await (const each of lines) read.push(each);
    assert.deepEqual(read, [line, line]);
    assert.deepEqual(asked, ['GET /v1/apps/shop/logs?follow=true']);
  });

  it('throws the error with which the controller ends a stream', async () => {
    const body = { error: 'SLIP_TOKEN_REVOKED', message: 'It was revoked.', hint: 'Sign in again.' };
    const { client } = fake(`${JSON.stringify(body)}\n`);
    const options = { signal: new AbortController().signal };
    const reading = async (): Promise<void> => {
      for await (const _ of client.lines('readLogs', { params: { app: 'shop' }, query: {} }, options));
    };
    await assert.rejects(reading(), { code: 'SLIP_TOKEN_REVOKED', message: 'It was revoked.', hint: 'Sign in again.' });
  });
});
