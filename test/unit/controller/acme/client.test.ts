import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { MockAgent, type Interceptable } from 'undici';
import { AcmeClient } from '../../../../controller/acme/client.ts';
import { newPrivateKey } from '../../../../controller/acme/csr.ts';
import { AcmeError } from '../../../../controller/acme/problem.ts';
import type { AcmeProblem } from '../../../../controller/domain/acme-problem.ts';
import { clockAt } from '../../../support/certificates.ts';

const CA = 'https://ca.test';
const NOW_MS = Date.parse('2026-12-01T00:00:00Z');
const DIRECTORY = {
  newNonce: `${CA}/nonce`,
  newAccount: `${CA}/account`,
  newOrder: `${CA}/order`,
  revokeCert: `${CA}/revoke`,
  renewalInfo: `${CA}/ari/`,
};
const ORDER = {
  status: 'pending',
  identifiers: [{ type: 'dns', value: 'shop.example.com' }],
  authorizations: [`${CA}/authz/1`],
  finalize: `${CA}/finalize/1`,
};
const NEW_ORDER = { names: ['shop.example.com'] };

interface Answer {
  readonly status?: number;
  readonly body?: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A client whose CA gives these answers, in order, to new orders. */
function makeClient(
  t: TestContext,
  answers: readonly Answer[],
  { signal, also }: { readonly signal?: AbortSignal; readonly also?: (ca: Interceptable) => void } = {},
): AcmeClient {
  const dispatcher = new MockAgent();
  dispatcher.disableNetConnect();
  const pool = dispatcher.get(CA);
  pool.intercept({ path: '/dir' }).reply(200, DIRECTORY).persist();
  const nonce = { headers: { 'replay-nonce': 'n0' } };
  pool.intercept({ path: '/nonce', method: 'HEAD' }).reply(200, '', nonce).persist();
  for (const { status = 201, body = ORDER, headers = {} } of answers) {
    pool.intercept({ path: '/order', method: 'POST' }).reply(status, body, { headers });
  }
  also?.(pool);
  const client = new AcmeClient({
    directoryUrl: `${CA}/dir`,
    accountKey: newPrivateKey(),
    accountUrl: `${CA}/account/1`,
    timeoutMs: 10_000,
    clock: clockAt(() => NOW_MS),
    userAgent: 'slipway-test',
    dispatcher,
    signal,
  });
  t.after(() => dispatcher.close());
  return client;
}

async function problemOf(client: AcmeClient): Promise<AcmeProblem> {
  const error = await client.newOrder(NEW_ORDER).then(
    () => undefined,
    (failure: unknown) => failure,
  );
  assert.ok(error instanceof AcmeError, String(error));
  return error.problem;
}

const located = { location: `${CA}/order/1` };
const error = (type: string): object => ({ type: `urn:ietf:params:acme:error:${type}`, detail: 'too many' });

test('Retry-After is read as seconds and as a date', async (t) => {
  const answer = (retryAfter: string): Answer => ({
    status: 429,
    body: error('rateLimited'),
    headers: { 'retry-after': retryAfter },
  });
  const client = makeClient(t, [
    answer('7200'),
    answer('Tue, 01 Dec 2026 01:00:00 GMT'),
    answer('Mon, 30 Nov 2026 01:00:00 GMT'),
    answer('soon'),
    answer('999999999'),
  ]);
  const waits = [];
  for (let asked = 0; asked < 5; asked += 1) waits.push((await problemOf(client)).retryAfterMs);
  assert.deepEqual(waits, [7_200_000, 3_600_000, 0, undefined, 30 * 24 * 3_600_000]);
});

test('a problem has its type, its subproblems and a text that a terminal can show', async (t) => {
  const detail = `blocked\u001b[31m\nby\u202e policy ${'x'.repeat(600)}`;
  const subproblems = [
    { type: 'urn:ietf:params:acme:error:caa', detail: 'CAA', identifier: { value: 'shop.example.com' } },
  ];
  const client = makeClient(t, [{ status: 403, body: { ...error('compound'), detail, subproblems } }]);
  const problem = await problemOf(client);
  assert.equal(problem.type, 'compound');
  assert.equal(problem.status, 403);
  assert.deepEqual(problem.subproblems, [{ type: 'caa', detail: 'CAA', name: 'shop.example.com' }]);
  assert.match(problem.detail, /^blocked \[31m by {1,2}policy x+…$/);
});

test('an error that is not ACME keeps its status', async (t) => {
  const client = makeClient(t, [
    { status: 503, body: '<html>' },
    { status: 500, body: '{"detail":5}' },
  ]);
  assert.deepEqual(await problemOf(client), {
    type: 'unknown',
    status: 503,
    detail: 'the CA gave no reason',
    subproblems: [],
  });
  assert.equal((await problemOf(client)).type, 'unknown');
});

test('refused nonces are retried, but not without end', async (t) => {
  const refusal = (nonce: string): Answer => ({
    status: 400,
    body: error('badNonce'),
    headers: { 'replay-nonce': nonce },
  });
  const refusals = Array.from({ length: 50 }, (_, index) => refusal(`n${String(index)}`));
  const client = makeClient(t, [...refusals, { headers: located }]);
  assert.equal((await client.newOrder(NEW_ORDER)).url, `${CA}/order/1`);
  const stuck = makeClient(
    t,
    Array.from({ length: 101 }, () => refusal('n')),
  );
  assert.equal((await problemOf(stuck)).type, 'badNonce');
});

test('an answer with a wrong form, a foreign protocol or too many bytes is refused', async (t) => {
  const client = makeClient(t, [
    { body: { status: 'pending' }, headers: located },
    { body: { ...ORDER, finalize: 'http://ca.test/finalize' }, headers: located },
    { headers: { location: 'file:///etc/passwd' } },
    {},
    { body: '[]'.repeat(200_000), headers: located },
  ]);
  const types = [];
  for (let asked = 0; asked < 5; asked += 1) types.push((await problemOf(client)).type);
  assert.deepEqual(types, ['badAnswer', 'badAnswer', 'badAnswer', 'badAnswer', 'unreachable']);
});

test('an account that exists gets the contacts of the settings', async (t) => {
  const sent: string[] = [];
  const keep = ({ body }: { readonly body?: unknown }): object => {
    sent.push(String(body));
    return { status: 'valid' };
  };
  const headers = { location: `${CA}/account/1`, 'replay-nonce': 'n1' };
  const also = (ca: Interceptable): void => {
    ca.intercept({ path: '/account', method: 'POST' }).reply(200, keep, { headers });
    ca.intercept({ path: '/account/1', method: 'POST' }).reply(200, keep, { headers });
  };
  assert.equal(await makeClient(t, [], { also }).openAccount({ contacts: ['new@example.com'] }), `${CA}/account/1`);
  const [, update = ''] = sent;
  const { payload } = JSON.parse(update) as { readonly payload: string };
  assert.deepEqual(JSON.parse(Buffer.from(payload, 'base64url').toString()), { contact: ['mailto:new@example.com'] });
});

test('a request ends when the controller stops', async (t) => {
  const off = new AbortController();
  const stopping = new Error('the controller is stopping');
  off.abort(stopping);
  const client = makeClient(t, [{ headers: located }], { signal: off.signal });
  await assert.rejects(client.newOrder(NEW_ORDER), stopping, 'it is no problem of the CA');
});
