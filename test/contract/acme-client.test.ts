import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test, type TestContext } from 'node:test';
import { ariIdOf } from '../../controller/acme/ari.ts';
import { AcmeClient, type AcmeOrder } from '../../controller/acme/client.ts';
import { newPrivateKey, newRequest } from '../../controller/acme/csr.ts';
import { accountThumbprint } from '../../controller/acme/jws.ts';
import { AcmeError } from '../../controller/acme/problem.ts';
import { isTemporary, type AcmeProblem } from '../../controller/domain/acme-problem.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { eventually } from '../support/eventually.ts';
import { startPebble, type Pebble, type PebbleOptions } from '../support/pebble.ts';

const NAME = 'shop.example.com';

test('a certificate is issued while 90 of 100 nonces are refused', async (t) => {
  const pebble = await makePebble(t, { badNonces: 90, chainLength: 4 });
  const accountKey = newPrivateKey();
  const client = makeClient(t, pebble, { accountKey });
  await answerChallenges(t, pebble, accountThumbprint(accountKey));
  const accountUrl = await client.openAccount({ contacts: ['ops@example.com'] });
  assert.equal(await client.openAccount({ contacts: [] }), accountUrl, 'the same key has the same account');
  const key = newPrivateKey();
  const order = await issue(client, NAME, key);
  const pem = await client.certificate(order.certificate ?? '');
  const chain = pem.split(/(?<=-----END CERTIFICATE-----\n)/).filter((part) => part.trim() !== '');
  assert.equal(chain.length, 5, 'the certificate and four certificates above it');
  const leaf = new X509Certificate(pem);
  assert.equal(leaf.subjectAltName, `DNS:${NAME}`);
  assert.ok(leaf.checkPrivateKey(key));
});

test('an order whose URL was lost is found again, and an order with an answer is not', async (t) => {
  const pebble = await makePebble(t, { badNonces: 20 });
  const accountKey = newPrivateKey();
  const client = makeClient(t, pebble, { accountKey });
  await answerChallenges(t, pebble, accountThumbprint(accountKey));
  await client.openAccount({ contacts: [] });
  assert.equal(await client.findOpenOrder([NAME]), undefined);
  const made = await client.newOrder({ names: [NAME] });
  for (const other of ['a', 'b', 'c', 'd']) await client.newOrder({ names: [`${other}.example.com`] });
  assert.equal((await client.findOpenOrder([NAME]))?.url, made.url);
  await finish(client, made, newPrivateKey());
  assert.equal(await client.findOpenOrder([NAME]), undefined);
});

test('the reason of a failed challenge is in the authorization', async (t) => {
  const pebble = await makePebble(t);
  const client = makeClient(t, pebble, {});
  await answerChallenges(t, pebble, 'the-thumbprint-of-somebody-else');
  await client.openAccount({ contacts: [] });
  const order = await client.newOrder({ names: [NAME] });
  await answerFirst(client, order);
  const failed = await eventually('the challenge fails', async () => {
    const authorization = await client.authorization(order.authorizations[0] ?? '');
    return authorization.status === 'invalid' ? authorization : undefined;
  });
  const [challenge] = failed.challenges;
  assert.match(challenge?.error?.type ?? '', /:unauthorized$/);
  assert.equal((await client.order(order.url)).status, 'invalid');
});

test('an account needs the binding of its CA, with the right key', async (t) => {
  const hmacKey = Buffer.from('a key of the CA, 32 bytes long..').toString('base64url');
  const pebble = await makePebble(t, { externalAccounts: { kid1: hmacKey } });
  const client = makeClient(t, pebble, {});
  assert.ok((await client.directory()).meta?.externalAccountRequired);
  const without = await problemOf(client.openAccount({ contacts: [] }));
  assert.equal(without.type, 'externalAccountRequired');
  const other = Buffer.from('another key, also 32 bytes long.').toString('base64url');
  const wrong = await problemOf(
    client.openAccount({ contacts: [], externalAccount: { keyId: 'kid1', hmacKey: other } }),
  );
  assert.equal(isTemporary(wrong), false);
  await client.openAccount({ contacts: [], externalAccount: { keyId: 'kid1', hmacKey } });
});

test('a key that is not the one of the account is refused', async (t) => {
  const pebble = await makePebble(t);
  const accountUrl = await makeClient(t, pebble, {}).openAccount({ contacts: [] });
  const stranger = makeClient(t, pebble, { accountUrl });
  const problem = await problemOf(stranger.newOrder({ names: [NAME] }));
  assert.equal(problem.type, 'malformed');
  assert.equal(isTemporary(problem), false);
});

test('a blocked name has a problem of its own', async (t) => {
  const pebble = await makePebble(t, { blockedNames: ['blocked.example.com'] });
  const client = makeClient(t, pebble, {});
  await client.openAccount({ contacts: [] });
  const problem = await problemOf(client.newOrder({ names: ['blocked.example.com'] }));
  assert.equal(problem.type, 'rejectedIdentifier');
});

test('a certificate is revoked once', async (t) => {
  const pebble = await makePebble(t, { alwaysValid: true });
  const client = makeClient(t, pebble, {});
  await client.openAccount({ contacts: [] });
  const order = await issue(client, NAME, newPrivateKey());
  const pem = await client.certificate(order.certificate ?? '');
  assert.match(ariIdOf(pem) ?? '', /^[\w-]{20,}\.[\w-]{8,}$/);
  const leaf = new X509Certificate(pem);
  await client.revoke(leaf.raw, 4);
  assert.equal((await problemOf(client.revoke(leaf.raw, 4))).type, 'alreadyRevoked');
});

test('a server with a certificate of another CA is not asked', async (t) => {
  const [pebble, other] = await Promise.all([makePebble(t), makePebble(t)]);
  const client = makeClient(t, { ...pebble, trustedCaPem: other.trustedCaPem }, {});
  const problem = await problemOf(client.directory());
  assert.equal(problem.type, 'unreachable');
  assert.equal(problem.status, 0);
});

async function makePebble(t: TestContext, options: PebbleOptions = {}): Promise<Pebble> {
  const pebble = await startPebble(options);
  t.after(() => pebble.close());
  return pebble;
}

function makeClient(
  t: TestContext,
  { directoryUrl, trustedCaPem }: Pebble,
  account: { readonly accountKey?: ReturnType<typeof newPrivateKey>; readonly accountUrl?: string },
): AcmeClient {
  const client = new AcmeClient({
    ...{ directoryUrl, trustedCaPem, timeoutMs: 60_000, clock: systemClock, userAgent: 'slipway-test' },
    ...{ accountKey: newPrivateKey(), ...account },
  });
  t.after(() => client.close());
  return client;
}

/** Every node does this: the answer is the token and the thumbprint. */
async function answerChallenges(t: TestContext, { httpPort }: Pebble, thumbprint: string): Promise<void> {
  const server = createServer(({ url = '' }, answer) => {
    answer.end(`${url.split('/').at(-1) ?? ''}.${thumbprint}`);
  }).listen(httpPort, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
}

async function issue(client: AcmeClient, name: string, key: ReturnType<typeof newPrivateKey>): Promise<AcmeOrder> {
  return await finish(client, await client.newOrder({ names: [name] }), key);
}

async function finish(client: AcmeClient, order: AcmeOrder, key: ReturnType<typeof newPrivateKey>): Promise<AcmeOrder> {
  await answerFirst(client, order);
  const at = (status: AcmeOrder['status']): Promise<AcmeOrder> =>
    eventually(`the order is ${status}`, async () => {
      const now = await client.order(order.url);
      return now.status === status ? now : undefined;
    });
  await client.finalize(
    await at('ready'),
    await newRequest(
      key,
      order.identifiers.map(({ value }) => value),
    ),
  );
  return await at('valid');
}

async function answerFirst(client: AcmeClient, order: AcmeOrder): Promise<void> {
  const { challenges } = await client.authorization(order.authorizations[0] ?? '');
  const challenge = challenges.find(({ type }) => type === 'http-01');
  assert.ok(challenge?.token !== undefined);
  await client.answerChallenge(challenge.url);
}

async function problemOf(work: Promise<unknown>): Promise<AcmeProblem> {
  const error = await work.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  assert.ok(error instanceof AcmeError, String(error));
  return error.problem;
}
