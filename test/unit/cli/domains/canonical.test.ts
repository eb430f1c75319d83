import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cli } from '../../../../cli/cli.ts';
import { clientOver } from '../../../../cli/client.ts';
import { canonical } from '../../../../cli/domains/canonical.ts';
import { plainPaint } from '../../../../cli/terminal/paint.ts';
import type { AppHttpsBody } from '../../../../shared/api/https.ts';

const NAME = 'www.example.com';
const https: AppHttpsBody = { redirect: true, auto: true, ready: true, names: [], canonical: NAME };

/** @returns what the command printed and asked */
async function run(args: readonly string[], body: AppHttpsBody, isUnset = false): Promise<[string, unknown[]]> {
  let text = '';
  const asked: unknown[] = [];
  const domains = { own: 'shop.apps.test', domains: [{ hostname: NAME, createdAtMs: 0 }], canonical: body.canonical };
  const api = clientOver({
    url: 'https://controller.test',
    ask: ({ path, body: sent }) => {
      asked.push(sent);
      const answer = path.endsWith('/domains') ? domains : body;
      return Promise.resolve({ text: JSON.stringify(answer), header: () => undefined });
    },
    stream: () => Promise.reject(new Error('no stream')),
    close: () => Promise.resolve(),
  });
  const cli = {
    ...{ paint: plainPaint, app: () => Promise.resolve('shop'), api: () => Promise.resolve(api) },
    write: (part: string) => {
      text += part;
      return Promise.resolve();
    },
  } as unknown as Cli;
  await canonical(cli, args, { unset: isUnset });
  return [text, asked.filter((each) => each !== undefined)];
}

test('a canonical name without a certificate is said, with what happens until then', async () => {
  const [text, asked] = await run([NAME], https);
  assert.deepEqual(asked.length, 1);
  assert.match(JSON.stringify(asked), /canonical.*www\.example\.com/);
  assert.match(
    text,
    /Until then, plain requests are redirected to http:\/\/www\.example\.com, and requests over HTTPS/,
  );
  const served = { hostname: NAME, state: 'serving', everywhere: true } as const;
  assert.doesNotMatch((await run([NAME], { ...https, names: [served] }))[0], /Not every node/);
  assert.match((await run([NAME], { ...https, redirect: false }))[0], / Plain requests are redirected/);
});

test('--unset ends it, and takes no name', async () => {
  const [text, asked] = await run([], { ...https, canonical: undefined }, true);
  assert.match(JSON.stringify(asked), /null/);
  assert.match(text, /^shop has no canonical name\./);
  await assert.rejects(run([NAME], https, true), { code: 'SLIP_CLI_USAGE' });
});
