import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cli, Flags } from '../../../../cli/cli.ts';
import { clientOver } from '../../../../cli/client.ts';
import { hsts, hstsWarnings } from '../../../../cli/https/hsts.ts';
import { plainPaint } from '../../../../cli/terminal/paint.ts';

const body = { redirect: true, auto: true, ready: true, names: [] };

/** @returns what was set, the warnings, and the text */
async function run(flags: Flags, args: readonly string[] = [], typed?: string): Promise<[unknown, string, string]> {
  let [text, notes] = ['', ''];
  let sent: unknown;
  const api = clientOver({
    url: 'https://controller.test',
    ask: ({ body: given }) => {
      sent = given ?? sent;
      return Promise.resolve({ text: JSON.stringify(body), header: () => undefined });
    },
    stream: () => Promise.reject(new Error('no stream')),
    close: () => Promise.resolve(),
  });
  const cli = {
    ...{ paint: plainPaint, app: () => Promise.resolve('shop'), api: () => Promise.resolve(api) },
    readLine: () => Promise.resolve(typed),
    note: (part: string) => (notes += part),
    write: (part: string) => {
      text += part;
      return Promise.resolve();
    },
  } as unknown as Cli;
  await hsts(cli, args, flags);
  return [typeof sent === 'string' ? (JSON.parse(sent) as unknown) : sent, notes, text];
}

test('a short time is set at once, a long one after a warning and a confirmation', async () => {
  const short = { maxAgeS: 5_184_000, includeSubdomains: false, preload: false };
  assert.deepEqual((await run({ maxAge: '60d' })).slice(0, 2), [{ hsts: short }, '']);
  await assert.rejects(run({ maxAge: '61d' }), { code: 'SLIP_CLI_CONFIRM' });
  await assert.rejects(run({ maxAge: '1h', includeSubdomains: true }, [], 'other'), { code: 'SLIP_CLI_CONFIRM' });
  for (const [sent, notes] of [
    await run({ maxAge: '365d', confirm: 'shop' }),
    await run({ maxAge: '365d' }, [], 'shop'),
  ]) {
    assert.deepEqual(sent, { hsts: { ...short, maxAgeS: 31_536_000 } });
    assert.match(notes, /use only HTTPS for the next 365 days\. If a certificate is missing/);
  }
});

test('0 makes browsers forget it, and off ends the header', async () => {
  assert.deepEqual((await run({ maxAge: '0' }))[0], { hsts: { maxAgeS: 0, includeSubdomains: false, preload: false } });
  assert.deepEqual((await run({}, ['off']))[0], { hsts: null });
  assert.deepEqual(await run({}), [undefined, '', 'HSTS of shop is off.\n']);
});

test('flags that do not fit together are refused', async () => {
  await assert.rejects(run({ maxAge: '1h' }, ['off']), { code: 'SLIP_CLI_USAGE' });
  await assert.rejects(run({}, ['on']), { code: 'SLIP_CLI_USAGE' });
  await assert.rejects(run({ preload: true }), { code: 'SLIP_CLI_USAGE' });
  await assert.rejects(run({ maxAge: '60' }), { code: 'SLIP_CLI_USAGE' });
});

test('each wider choice has its own warning', () => {
  const all = { maxAgeS: 31_536_000, includeSubdomains: true, preload: true };
  assert.equal(hstsWarnings('shop', all).length, 3);
  assert.deepEqual(hstsWarnings('shop', { ...all, maxAgeS: 0 }), []);
});
