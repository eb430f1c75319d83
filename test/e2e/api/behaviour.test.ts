import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { AppBody, AppInfoBody } from '../../../shared/api/apps.ts';
import type { JoinTokenBody, KeyBody, NewUserBody } from '../../../shared/api/identity.ts';
import type { JoinBody } from '../../../shared/api/machines.ts';
import type { ConfigBody, ConfigChangedBody } from '../../../shared/api/releases.ts';
import type { ErrorBody } from '../../../shared/api/schema.ts';
import type { BuildSettings } from '../../../shared/domain/build-settings.ts';
import { systemClock } from '../../../shared/kit/clock.ts';
import { makeCsr } from '../../support/csr.ts';
import { openApi, type ApiFixture, type Caller } from '../../support/api-fixture.ts';
import { digestOfBytes } from '../../support/fake-images.ts';
import { sshKeyPair } from '../../support/ssh-key-pair.ts';

describe('the API', () => {
  let fixture: ApiFixture;
  let ada: Caller;
  let admin: Caller;
  before(async () => {
    fixture = await openApi();
    ada = (await fixture.addCaller('ada')).caller;
    admin = (await fixture.addCaller('root', true)).caller;
  });
  after(() => fixture.close());

  async function expectError(
    caller: Caller,
    method: string,
    path: string,
    json?: unknown,
  ): Promise<ErrorBody & { status: number }> {
    const answer = await fixture.call(caller, method, path, json === undefined ? {} : { json });
    assert.ok(answer.statusCode >= 400, `${method} ${path} answered ${answer.statusCode}`);
    return { status: answer.statusCode, ...((await answer.body.json()) as ErrorBody) };
  }

  async function ok<T>(caller: Caller, method: string, path: string, json?: unknown): Promise<T> {
    const answer = await fixture.call(caller, method, path, json === undefined ? {} : { json });
    const text = await answer.body.text();
    assert.ok(answer.statusCode < 300, `${method} ${path} answered ${answer.statusCode} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  async function joinToken(): Promise<JoinTokenBody> {
    return await ok<JoinTokenBody>(admin, 'POST', '/v1/nodes/tokens', {});
  }

  it('turns a token and a request into a node whose certificate is accepted where nodes connect', async () => {
    const { token, pin } = await joinToken();
    assert.equal(pin, fixture.authority.pin);
    const { csrPem, keyPem } = await makeCsr({});
    const joined = await ok<JoinBody>({}, 'POST', '/v1/join', { token, name: 'attic', csr: csrPem });
    assert.equal(joined.grpcAddress, '127.0.0.1:7443');
    assert.ok(new X509Certificate(joined.certificate).verify(new X509Certificate(joined.ca).publicKey));
    const node: Caller = { tls: { key: keyPem, cert: joined.certificate } };
    assert.equal(
      (await expectError(node, 'GET', `/v1/images/${digestOfBytes(Buffer.from('x'))}`)).error,
      'SLIP_IMAGE_NOT_FOUND',
    );
    const again = await ok<JoinBody>({}, 'POST', '/v1/join', { token, name: 'attic', csr: csrPem });
    assert.equal(again.nodeId, joined.nodeId, 'who lost the answer may ask again with the same key');
    const { csrPem: stranger } = await makeCsr({});
    assert.equal(
      (await expectError({}, 'POST', '/v1/join', { token, name: 'other', csr: stranger })).error,
      'SLIP_JOIN_TOKEN',
    );
  });

  it('changes the build settings of an app, one edit at a time, and refuses a root outside of the repository', async () => {
    const { caller: mia } = await fixture.addCaller('mia');
    await ok(mia, 'POST', '/v1/apps', { name: 'mono' });
    const path = '/v1/apps/mono/build-settings';
    const add = (name: string): Promise<BuildSettings> =>
      ok<BuildSettings>(mia, 'PATCH', path, { buildpacks: { op: 'add', name } });
    await add('heroku/nodejs');
    assert.deepEqual(await ok<BuildSettings>(mia, 'PATCH', path, { root: './services/api/' }), {
      root: 'services/api',
      buildpacks: ['heroku/nodejs'],
    });
    await add('https://u:secret@x.example/b.git');
    const [event] = await fixture.store.events({ limit: 1 });
    assert.equal(event?.message, 'The next push is built with 2 buildpacks set.');
    for (const root of ['../x', '/etc', ''])
      assert.equal((await expectError(mia, 'PATCH', path, { root })).error, 'SLIP_BUILD_ROOT');
    const again = await expectError(mia, 'PATCH', path, { buildpacks: { op: 'add', name: 'heroku/nodejs' } });
    assert.deepEqual([again.status, again.error], [409, 'SLIP_BUILDPACK_EXISTS']);
    assert.equal((await expectError(mia, 'PATCH', path, {})).status, 422);
    const { root } = await ok<AppInfoBody>(mia, 'GET', '/v1/apps/mono');
    assert.equal(root, 'services/api');
    assert.deepEqual(await ok<BuildSettings>(mia, 'PATCH', path, { root: null, buildpacks: { op: 'clear' } }), {
      buildpacks: [],
    });
    const { caller: bob } = await fixture.addCaller('mono-stranger');
    assert.equal((await expectError(bob, 'GET', path)).status, 404);
  });

  it('spends no join token on a bad name or request', async () => {
    const { token } = await joinToken();
    const { csrPem } = await makeCsr({});
    assert.equal(
      (await expectError({}, 'POST', '/v1/join', { token, name: 'attic-2', csr: 'x' })).error,
      'SLIP_CSR_INVALID',
    );
    assert.equal(
      (await expectError({}, 'POST', '/v1/join', { token, name: 'BAD NAME', csr: csrPem })).error,
      'SLIP_NAME_NODE',
    );
    assert.equal(
      (await expectError({}, 'POST', '/v1/join/check', { token: 'guess', name: 'attic-2' })).error,
      'SLIP_JOIN_TOKEN',
    );
    await ok({}, 'POST', '/v1/join/check', { token, name: 'attic-2' });
    await ok<JoinBody>({}, 'POST', '/v1/join', { token, name: 'attic-2', csr: csrPem });
    assert.equal(
      (await expectError({}, 'POST', '/v1/join/check', { token, name: 'attic-3' })).error,
      'SLIP_JOIN_TOKEN',
    );
  });

  it('names the nearest field for one it does not know, and never repeats values', async () => {
    const error = await expectError(ada, 'POST', '/v1/apps', { nmae: 'secret-value' });
    assert.deepEqual([error.status, error.error, error.hint], [422, 'SLIP_INPUT', 'Did you mean "name"?']);
    assert.ok(!JSON.stringify(error).includes('secret-value'));
    assert.equal((await expectError(ada, 'GET', '/v1/apps/x/logs')).status, 404);
  });

  it('refuses bodies that are too large, no JSON, or of another type', async () => {
    assert.equal((await expectError(ada, 'POST', '/v1/keys', { publicKey: 'x'.repeat(100_000) })).status, 413);
    const broken = await fixture.call(ada, 'POST', '/v1/apps', {
      body: '{',
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(broken.statusCode, 400);
    assert.equal(((await broken.body.json()) as ErrorBody).error, 'SLIP_REQUEST');
    const text = await fixture.call(ada, 'POST', '/v1/apps', {
      body: 'hello',
      headers: { 'content-type': 'text/plain' },
    });
    assert.equal(text.statusCode, 415);
    await text.body.dump();
  });

  it('creates apps under a name given or drawn, and lists them', async () => {
    const named = await ok<AppBody>(ada, 'POST', '/v1/apps', { name: 'shop' });
    assert.equal(named.gitUrl, 'ssh://git@127.0.0.1:2222/shop.git');
    const drawn = await ok<AppBody>(ada, 'POST', '/v1/apps', {});
    assert.match(drawn.name, /^[a-z]+-[a-z]+-\d{5}$/);
    assert.equal((await expectError(admin, 'POST', '/v1/apps', { name: 'shop' })).error, 'SLIP_APP_EXISTS');
    const names = (await ok<AppBody[]>(ada, 'GET', '/v1/apps')).map((app) => app.name);
    const part = await fixture.call(ada, 'GET', '/v1/apps?limit=1');
    assert.deepEqual(
      [((await part.body.json()) as AppBody[]).map((app) => app.name), part.headers['slipway-next']],
      [[names[0]], names[0]],
    );
    const rest = await ok<AppBody[]>(ada, 'GET', `/v1/apps?limit=9&after=${names[0]!}`);
    assert.deepEqual(
      rest.map((app) => app.name),
      names.slice(1),
    );
    assert.deepEqual(names, [drawn.name, 'shop'].sort());
  });

  it('adds, lists and removes the keys of the caller', async () => {
    const { public: publicKey, private: privateKey } = sshKeyPair();
    const key = await ok<KeyBody>(ada, 'POST', '/v1/keys', { publicKey: `${publicKey} laptop` });
    assert.equal((await expectError(admin, 'POST', '/v1/keys', { publicKey })).error, 'SLIP_KEY_TAKEN');
    const refused = await expectError(ada, 'POST', '/v1/keys', { publicKey: privateKey });
    assert.equal(refused.error, 'SLIP_KEY_PRIVATE');
    const path = `/v1/keys/${encodeURIComponent(key.fingerprint)}`;
    assert.equal((await expectError(admin, 'DELETE', path)).status, 404);
    await ok(ada, 'DELETE', path);
    assert.deepEqual(await ok<KeyBody[]>(ada, 'GET', '/v1/keys'), []);
  });

  it('changes config through a release and gives back the whole of it', async () => {
    await ok(ada, 'POST', '/v1/apps', { name: 'settings' });
    const changed = await ok<ConfigChangedBody>(ada, 'PATCH', '/v1/apps/settings/config', { A: '1', B: null });
    assert.deepEqual(changed, { config: { A: '1' }, changed: ['A'], version: 7 });
    const { revision = '' } = await ok<ConfigBody>(ada, 'GET', '/v1/apps/settings/config');
    const based = `/v1/apps/settings/config?revision=${revision}`;
    await ok<ConfigChangedBody>(ada, 'PATCH', based, { A: '2' });
    const conflict = await expectError(ada, 'PATCH', based, { A: '3' });
    assert.deepEqual([conflict.status, conflict.error], [409, 'SLIP_CONFIG_CHANGED']);
    assert.equal((await expectError(ada, 'PATCH', '/v1/apps/settings/config', {})).status, 422);
    assert.equal((await expectError(ada, 'PATCH', '/v1/apps/settings/config', { A: 1 })).status, 422);
  });

  it('gives a new user a token that works, and stores nothing when the key is bad', async () => {
    const bad = await expectError(admin, 'POST', '/v1/users', { name: 'bob', publicKey: 'nonsense' });
    assert.equal(bad.error, 'SLIP_KEY_INVALID');
    const bob = await ok<NewUserBody>(admin, 'POST', '/v1/users', { name: 'bob' });
    assert.deepEqual(await ok({ token: bob.token }, 'GET', '/v1/whoami'), {
      name: 'bob',
      admin: false,
      createdAtMs: bob.createdAtMs,
    });
  });

  it('serves an image whole, from an offset, and not beyond its end', async () => {
    const { caller: node } = await fixture.addNodeCaller('images');
    const bytes = Buffer.from('0123456789');
    const path = `/v1/images/${digestOfBytes(bytes)}`;
    assert.equal((await fixture.call(node, 'HEAD', path)).statusCode, 404);
    assert.equal((await fixture.call(node, 'PUT', path, { body: bytes })).statusCode, 201);
    const head = await fixture.call(node, 'HEAD', path);
    assert.deepEqual([head.statusCode, head.headers['content-length']], [200, '10']);
    assert.equal(await (await fixture.call(node, 'GET', path)).body.text(), '0123456789');
    const rest = await fixture.call(node, 'GET', path, { headers: { range: 'bytes=7-' } });
    assert.deepEqual(
      [rest.statusCode, rest.headers['content-range'], await rest.body.text()],
      [206, 'bytes 7-9/10', '789'],
    );
    const beyond = await fixture.call(node, 'GET', path, { headers: { range: 'bytes=10-' } });
    assert.deepEqual([beyond.statusCode, beyond.headers['content-range']], [416, 'bytes */10']);
    await beyond.body.dump();
  });

  it('stops answering an address that guesses join tokens', async () => {
    // The limit counts per minute. A slow machine needs longer for the guesses, so the time stands still.
    const still = await openApi({ clock: { ...systemClock, monotonicMs: () => 0 } });
    try {
      const { csrPem } = await makeCsr({});
      const guess = async (): Promise<{ status: number; error: string }> => {
        const answer = await still.call({}, 'POST', '/v1/join', {
          json: { token: 'guess', name: 'node-x', csr: csrPem },
        });
        return { status: answer.statusCode, error: ((await answer.body.json()) as ErrorBody).error };
      };
      let last = await guess();
      for (let tries = 0; tries < 320 && last.status !== 429; tries += 1) last = await guess();
      assert.deepEqual(last, { status: 429, error: 'SLIP_RATE_LIMIT' });
    } finally {
      await still.close();
    }
  });

  it('limits the starts of maintenance, and never its end', async () => {
    const { caller: zoe } = await fixture.addCaller('zoe-often');
    await ok(zoe, 'POST', '/v1/apps', { name: 'often' });
    for (let start = 0; start < 20; start += 1) await ok(zoe, 'PUT', '/v1/apps/often/maintenance', {});
    const refused = await expectError(zoe, 'PUT', '/v1/apps/often/maintenance', {});
    assert.deepEqual(
      [refused.status, refused.error, refused.message],
      [429, 'SLIP_RATE_LIMIT', 'The maintenance of this app was started too often in ten minutes.'],
    );
    await ok(zoe, 'DELETE', '/v1/apps/often/maintenance');
    await ok(zoe, 'POST', '/v1/apps', { name: 'seldom' });
    await ok(zoe, 'PUT', '/v1/apps/seldom/maintenance', {});
  });

  it('never shows the password in the URL of a buildpack, and removes it without the password', async () => {
    const { caller: zoe } = await fixture.addCaller('zoe-private');
    await ok(zoe, 'POST', '/v1/apps', { name: 'private' });
    const path = '/v1/apps/private/build-settings';
    const url = 'https://ada:s3cret@git.test/buildpack.git';
    const set = await ok<BuildSettings>(zoe, 'PATCH', path, { buildpacks: { op: 'add', name: url } });
    assert.deepEqual(set.buildpacks, ['https://git.test/buildpack.git']);
    assert.deepEqual((await ok<BuildSettings>(zoe, 'GET', path)).buildpacks, set.buildpacks);
    const name = 'https://git.test/buildpack.git';
    const removed = await ok<BuildSettings>(zoe, 'PATCH', path, { buildpacks: { op: 'remove', name } });
    assert.deepEqual(removed.buildpacks, []);
  });
});
