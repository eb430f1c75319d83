import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cli } from '../../../../cli/cli.ts';
import { clientOver } from '../../../../cli/client.ts';
import { waitForHttps } from '../../../../cli/domains/wait-for-https.ts';
import type { NameHttpsBody } from '../../../../shared/api/https.ts';

const own = { hostname: 'shop.example.com', everywhere: false };

/** The controller answers with the second state after each look at the first. */
async function wait(first: NameHttpsBody, second: NameHttpsBody = first): Promise<[NameHttpsBody, string]> {
  let said = '';
  const api = clientOver({
    url: 'https://controller.test',
    ask: () => Promise.resolve({ text: JSON.stringify(second), header: () => undefined }),
    stream: () => Promise.reject(new Error('no stream')),
    close: () => Promise.resolve(),
  });
  const cli = { nowMs: () => 0, signal: new AbortController().signal } as Cli;
  const say = (text: string): Promise<void> => {
    said += text;
    return Promise.resolve();
  };
  return [await waitForHttps(cli, api, { first, say }), said];
}

test('the wait shows a step, and ends when every node serves the name', async () => {
  const served: NameHttpsBody = { ...own, state: 'serving', everywhere: true };
  const [last, said] = await wait({ ...own, state: 'checking' }, served);
  assert.deepEqual(last, served);
  assert.equal(said, 'shop.example.com: checks the name as the certificate authority will\n');
});

test('a name without an order, or with an upload, is not waited for', async () => {
  for (const state of ['off', 'uploaded'] as const)
    assert.deepEqual(await wait({ ...own, state }), [{ ...own, state }, '']);
});

test('an order that stops is an error with its cause, its time and the next command', async () => {
  const problem = { code: 'SLIP_CERT_NO_ADDRESS', message: 'It has no A record.', next: 'Add one.' };
  await assert.rejects(wait({ ...own, state: 'blocked', nextAtMs: 0, problem }), {
    code: 'SLIP_CERT_NO_ADDRESS',
    message:
      'The domain was added, but shop.example.com has no certificate yet: It has no A record. The controller tries again at 1970-01-01T00:00:00.000Z.',
    hint: 'Add one.',
  });
});
