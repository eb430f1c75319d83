import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join as joinPath } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { join, type JoinRequest } from '../../../agent/session/join.ts';
import { readNodeTls } from '../../../agent/session/node-files.ts';
import { newJoinToken } from '../../../controller/access/tokens.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { openApi, type ApiFixture } from '../../support/api-fixture.ts';
import { makeCa, serverTls, tempDir } from '../../support/certificates.ts';

async function setUp(t: TestContext): Promise<{ api: ApiFixture; request: JoinRequest }> {
  const api = await openApi();
  t.after(() => api.close());
  const token = newJoinToken();
  await api.store.addJoinToken({ secretHash: token.secretHash, labels: {}, expiresAtMs: Date.now() + 3_600_000 });
  const stateDir = joinPath(await tempDir(t), 'agent');
  return {
    api,
    request: {
      ...{ url: api.url, token: token.secret.reveal(), caPin: api.authority.pin, name: 'node-one', stateDir },
      timeoutMs: 120_000,
    },
  };
}

const failsWith = (code: string) => (error: unknown) => {
  assert.ok(error instanceof SlipwayError, String(error));
  assert.equal(error.code, code, error.message);
  return true;
};

describe('joining', () => {
  it('joins: stores a key for the owner only, a certificate of it, the CA, its name and the address', async (t) => {
    const { api, request } = await setUp(t);
    const { identity, already } = await join(request);
    assert.equal(already, false);
    assert.deepEqual(
      { ...identity, nodeId: '' },
      { nodeId: '', nodeName: 'node-one', apiUrl: api.url, grpcAddress: '127.0.0.1:7443' },
    );
    assert.equal((await stat(joinPath(request.stateDir, 'node.pem'))).mode & 0o777, 0o600);
    assert.equal((await readNodeTls(request.stateDir)).ca, api.authority.caPem);
    assert.equal((await api.store.nodes())[0]?.id, identity.nodeId);
  });

  it('refuses a second join, and does not use the token', async (t) => {
    const { api, request } = await setUp(t);
    const first = await join(request);
    const again = await join({ ...request, token: 'another' });
    assert.deepEqual(again, { identity: first.identity, already: true });
    assert.equal((await api.store.nodes()).length, 1);
  });

  it('reports the reason of the controller’s refusal, and can try again with the same key', async (t) => {
    const { api, request } = await setUp(t);
    await assert.rejects(join({ ...request, token: 'wrong' }), failsWith('SLIP_JOIN_TOKEN'));
    const key = await readFile(joinPath(request.stateDir, 'join.key'), 'utf8');
    await join(request);
    assert.equal((await readNodeTls(request.stateDir)).key, key);
    await assert.rejects(readFile(joinPath(request.stateDir, 'join.key')));
    assert.equal((await api.store.nodes()).length, 1);
  });

  it('does not send the token to a server with another CA', async (t) => {
    const { request } = await setUp(t);
    const impostor = await serverTls(await makeCa(t));
    const seen: string[] = [];
    const server = createServer(
      { key: impostor.key, cert: `${impostor.certificate}${impostor.ca}` },
      (heard, answer) => {
        seen.push(heard.url ?? '');
        answer.end();
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => new Promise((resolve) => server.close(resolve)));
    const url = `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    await assert.rejects(join({ ...request, url }), failsWith('SLIP_JOIN_PIN'));
    assert.deepEqual(seen, []);
    await assert.rejects(readdir(request.stateDir), 'nothing was written');
  });

  it('does not send the token to a server that shows the right CA beside its own certificate', async (t) => {
    const { api, request } = await setUp(t);
    const impostor = await serverTls(await makeCa(t));
    const seen: string[] = [];
    const server = createServer(
      { key: impostor.key, cert: `${impostor.certificate}${api.authority.caPem}` },
      (heard, answer) => {
        seen.push(heard.url ?? '');
        answer.end();
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => new Promise((resolve) => server.close(resolve)));
    const url = `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    await assert.rejects(join({ ...request, url }));
    assert.deepEqual(seen, []);
  });

  it('explains a wrong address, a wrong fingerprint and an unreachable controller', async (t) => {
    const { request } = await setUp(t);
    await assert.rejects(join({ ...request, url: 'http://127.0.0.1:1' }), failsWith('SLIP_JOIN_URL'));
    await assert.rejects(join({ ...request, caPin: 'abc' }), failsWith('SLIP_JOIN_PIN_FORMAT'));
    await assert.rejects(join({ ...request, url: 'https://127.0.0.1:1' }), failsWith('SLIP_JOIN_UNREACHABLE'));
  });

  it('a missing, empty or damaged CA file is an error, and the agent trusts no server', async (t) => {
    const { request } = await setUp(t);
    await join(request);
    for (const content of ['', 'garbage', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n']) {
      await writeFile(joinPath(request.stateDir, 'ca.crt'), content);
      await assert.rejects(readNodeTls(request.stateDir), failsWith('SLIP_NODE_FILES'));
    }
  });
});
