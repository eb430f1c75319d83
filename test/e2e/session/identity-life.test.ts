import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createImageTransport } from '../../../agent/session/image-transport.ts';
import { join, rejoin } from '../../../agent/session/join.ts';
import { readIdentity, readNodeTls, writePendingKey } from '../../../agent/session/node-files.ts';
import { renewCertificate } from '../../../agent/session/renew.ts';
import type { Digest } from '../../../shared/domain/ids.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { noFailpoint } from '../../../shared/kit/failpoint.ts';
import { digestOfBytes } from '../../support/fake-images.ts';
import { tempDir } from '../../support/certificates.ts';
import { makeCsr } from '../../support/csr.ts';
import { connectAgent, fakeAgent, recordingLogger } from '../../support/dispatch-rig.ts';
import { openControllerServers, type ControllerServers } from '../../support/controller-servers.ts';
import { eventually } from '../../support/eventually.ts';
import { untilSent } from '../../support/until-sent.ts';

const failsWith = (code: string) => (error: unknown) => error instanceof SlipwayError && error.code === code;

async function serialIn(stateDir: string): Promise<string> {
  return new X509Certificate((await readNodeTls(stateDir)).certificate).serialNumber.toLowerCase();
}

async function connects(t: TestContext, servers: ControllerServers, stateDir: string): Promise<void> {
  const session = connectAgent(t, servers, { stateDir, agent: fakeAgent() });
  await eventually('a session', () => session.connected);
  await session.close();
}

describe('a certificate is renewed', () => {
  it('with another key and serial; the session continues, and the old certificate is refused when the new one is used', async (t) => {
    const servers = await openControllerServers(t);
    const { row, stateDir } = await servers.machine('alpha');
    const former = await readNodeTls(stateDir);
    const session = connectAgent(t, servers, { stateDir, agent: fakeAgent() });
    await eventually('the session', () => session.connected);
    await renewCertificate({ apiUrl: servers.url, stateDir }, noFailpoint);
    const present = await readNodeTls(stateDir);
    assert.notEqual(present.key, former.key);
    assert.equal((await servers.store.nodeById(row.id))?.certificateSerial, await serialIn(stateDir));
    const refused = await servers.askAs(former, 'POST', '/node/certificate/use', {});
    assert.equal(refused.status, 401);
    assert.match(refused.body.message ?? '', /alpha was replaced by a renewed one/);
    await servers.dispatch.fleet.publish(row.id);
    assert.ok(session.connected, 'the session that was open goes on');
    assert.ok(!servers.logger.events.some((one) => one.event === 'session.closed'));
    await connects(t, servers, stateDir);
  });

  for (const point of ['renew.begun', 'renew.issued', 'renew.written', 'renew.used']) {
    it(`after an interruption at ${point}, the node can connect and renew again`, async (t) => {
      const servers = await openControllerServers(t);
      const { stateDir } = await servers.machine('alpha');
      const cut = (name: string): Promise<void> =>
        name === point ? Promise.reject(new Error('cut')) : Promise.resolve();
      await assert.rejects(renewCertificate({ apiUrl: servers.url, stateDir }, cut), /cut/);
      await connects(t, servers, stateDir);
      await renewCertificate({ apiUrl: servers.url, stateDir }, noFailpoint);
      await connects(t, servers, stateDir);
    });
  }

  it('refuses clients without a certificate, and bytes that are not a request', async (t) => {
    const servers = await openControllerServers(t);
    const { stateDir } = await servers.machine('alpha');
    assert.equal((await servers.askAs(undefined, 'POST', '/node/certificate', { csr: 'x' })).status, 401);
    const bad = await servers.askAs(await readNodeTls(stateDir), 'POST', '/node/certificate', { csr: 'x' });
    assert.equal(bad.body.error, 'SLIP_CSR_INVALID');
    await connects(t, servers, stateDir);
  });
});

describe('a revoked node', () => {
  it('loses its session within a second, and no server accepts it any more', async (t) => {
    const servers = await openControllerServers(t);
    const { row, stateDir } = await servers.machine('alpha');
    const logger = recordingLogger();
    const session = connectAgent(t, servers, { stateDir, agent: fakeAgent(), logger });
    await eventually('the session', () => session.connected);
    const since = performance.now();
    assert.equal((await servers.ask('POST', '/nodes/alpha/revoke')).status, 204);
    await eventually('the end of the session', () => !session.connected);
    t.diagnostic(`the session ended ${String(Math.round(performance.now() - since))} ms after the command`);
    const tls = await readNodeTls(stateDir);
    const refused = await servers.askAs(tls, 'POST', '/node/certificate/use', {});
    assert.equal(refused.status, 401);
    assert.match(refused.body.message ?? '', /alpha was revoked on .*slipway nodes:rejoin alpha/);
    const line = await eventually('a line that says why', () =>
      logger.events.find((one) => one.line.includes('revoked')),
    );
    assert.match(line.line, /slipway nodes:rejoin alpha/);
    assert.ok(((await servers.store.nodeById(row.id))?.revokedAtMs ?? 0) > 0);
    const kinds = (await servers.store.events({ node: 'alpha', limit: 10 })).map((event) => event.kind);
    assert.ok(kinds.includes('node.revoked'));
  });

  it('loses its running downloads', async (t) => {
    const servers = await openControllerServers(t, { mayReadImage: () => Promise.resolve(true) });
    const { stateDir } = await servers.machine('alpha');
    const bytes = Buffer.alloc(64 * 1024 * 1024);
    const digest: Digest = digestOfBytes(bytes);
    servers.images.kept.set(digest, bytes);
    const transport = createImageTransport({ apiUrl: servers.url, stateDir });
    t.after(() => transport.close());
    const never = new AbortController().signal;
    const body = await transport.download(digest, 0, never);
    await new Promise((resolve) => body.once('readable', resolve));
    const ended = new Promise<Error | undefined>((resolve) => {
      body.once('error', resolve);
      body.once('end', () => resolve(undefined));
    });
    assert.equal((await servers.ask('POST', '/nodes/alpha/revoke')).status, 204);
    body.resume();
    assert.ok((await ended) instanceof Error, 'the transfer broke off');
    await assert.rejects(transport.download(digest, 0, never), failsWith('SLIP_NODE_CERTIFICATE'));
  });
});

it('a revocation reaches the proxies of the other nodes, and a rejoin lets the machine back in, not the former certificate', async (t) => {
  const servers = await openControllerServers(t);
  const [alpha, beta] = [await servers.machine('alpha'), await servers.machine('beta')];
  const former = await serialIn(alpha.stateDir);
  const [revoked, other] = [fakeAgent(), fakeAgent()];
  const meshed = revoked.hello;
  revoked.hello = async () => {
    const said = await meshed();
    return { ...said, facts: { ...said.facts, meshAddress: '10.0.0.9:7405' } };
  };
  const session = connectAgent(t, servers, { stateDir: alpha.stateDir, agent: revoked });
  connectAgent(t, servers, { stateDir: beta.stateDir, agent: other });
  const addressOfAlpha = (): string | undefined =>
    other.routes?.peers.find((peer) => peer.nodeId === alpha.row.id)?.address;
  await eventually('beta to know alpha', () => addressOfAlpha() === '10.0.0.9');
  assert.equal((await servers.ask('POST', '/nodes/alpha/revoke')).status, 204);
  await eventually('beta to refuse the certificate', () => other.routes?.refused.includes(former));
  await eventually('beta to send alpha nothing', () => addressOfAlpha() === '');
  await session.close();
  const { body } = await servers.ask('POST', '/nodes/alpha/rejoin', {});
  await rejoin({ url: servers.url, caPin: servers.ca.pin, stateDir: alpha.stateDir, token: body['token'] as string });
  connectAgent(t, servers, { stateDir: alpha.stateDir, agent: revoked });
  await eventually('beta to send to alpha again', () => addressOfAlpha() === '10.0.0.9');
  assert.deepEqual(other.routes?.refused, [former]);
});

describe('a node rejoins', () => {
  const rejoinToken = async (servers: ControllerServers, name: string): Promise<string> => {
    const answer = await servers.ask('POST', `/nodes/${name}/rejoin`, {});
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    return answer.body['token'] as string;
  };

  it('after its certificate was revoked or its files were lost, as the same node, and only once', async (t) => {
    const servers = await openControllerServers(t);
    const { row, stateDir } = await servers.machine('alpha');
    await servers.ask('POST', '/nodes/alpha/revoke');
    const target = { url: servers.url, caPin: servers.ca.pin, stateDir };
    const token = await rejoinToken(servers, 'alpha');
    assert.equal((await rejoin({ ...target, token })).nodeId, row.id);
    await connects(t, servers, stateDir);
    assert.equal((await servers.store.nodeById(row.id))?.revokedAtMs, undefined);
    await assert.rejects(rejoin({ ...target, token }), failsWith('SLIP_REJOIN_TOKEN'));
    await rm(stateDir, { recursive: true });
    assert.equal((await rejoin({ ...target, token: await rejoinToken(servers, 'alpha') })).nodeId, row.id);
    await connects(t, servers, stateDir);
    assert.equal((await servers.store.nodes()).length, 1);
  });

  it('with damaged files, and again with the same token when the answer got lost', async (t) => {
    const servers = await openControllerServers(t);
    const { row, stateDir } = await servers.machine('alpha');
    await writeFile(joinPath(stateDir, 'node.json'), '{');
    const token = await rejoinToken(servers, 'alpha');
    const target = { url: servers.url, caPin: servers.ca.pin, stateDir, token };
    await rejoin(target);
    const { key } = await readNodeTls(stateDir);
    await rm(joinPath(stateDir, 'node.pem'));
    await writePendingKey(stateDir, key);
    assert.equal((await rejoin(target)).nodeId, row.id);
    await connects(t, servers, stateDir);
  });

  it('not while it is connected, so that a stolen token cannot replace it', async (t) => {
    const servers = await openControllerServers(t);
    const { row, stateDir } = await servers.machine('alpha');
    const stolen = await rejoinToken(servers, 'alpha');
    const session = connectAgent(t, servers, { stateDir, agent: fakeAgent() });
    await eventually('the session', () => session.connected);
    const thief = joinPath(stateDir, 'thief');
    await assert.rejects(
      rejoin({ url: servers.url, caPin: servers.ca.pin, stateDir: thief, token: stolen }),
      (error: unknown) =>
        error instanceof SlipwayError &&
        error.code === 'SLIP_REJOIN_CONNECTED' &&
        (error.hint ?? '').includes('nodes:revoke alpha'),
    );
    assert.equal((await servers.ask('POST', '/nodes/alpha/rejoin', {})).body.error, 'SLIP_REJOIN_CONNECTED');
    assert.ok(session.connected);
    await session.close();
    await eventually('the end of the session', () => servers.dispatch.fleet.nodes().every((node) => !node.connected));
    assert.equal(
      (await rejoin({ url: servers.url, caPin: servers.ca.pin, stateDir: thief, token: stolen })).nodeId,
      row.id,
    );
    const logger = recordingLogger();
    connectAgent(t, servers, { stateDir, agent: fakeAgent(), logger });
    const reason = /alpha rejoined with another certificate on .*slipway nodes:revoke alpha/;
    await eventually('the former machine to be told', () =>
      logger.events.some(({ level, line }) => level === 'warn' && reason.test(line)),
    );
  });

  it('not with the token of another node, which stays valid', async (t) => {
    const servers = await openControllerServers(t);
    const [alpha, beta] = [await servers.machine('alpha'), await servers.machine('beta')];
    const token = await rejoinToken(servers, 'beta');
    const target = { url: servers.url, caPin: servers.ca.pin, token };
    await assert.rejects(rejoin({ ...target, stateDir: alpha.stateDir }), failsWith('SLIP_REJOIN_OTHER'));
    assert.equal((await rejoin({ ...target, stateDir: beta.stateDir })).nodeId, beta.row.id);
    assert.equal((await readIdentity(alpha.stateDir))?.nodeId, alpha.row.id);
  });
});

describe('tokens', () => {
  it('100 machines at once with one token: exactly one joins, the others get the reason', async (t) => {
    const servers = await openControllerServers(t);
    const token = await servers.token();
    const csrs = await Promise.all(Array.from({ length: 100 }, async () => (await makeCsr({})).csrPem));
    const answers = await Promise.all(
      csrs.map((csr, index) =>
        untilSent(() => servers.askAs(undefined, 'POST', '/join', { token, csr, name: `node-${String(index)}` })),
      ),
    );
    assert.equal(answers.filter((answer) => answer.status === 201).length, 1);
    assert.equal(answers.filter((answer) => answer.body.error === 'SLIP_JOIN_TOKEN').length, 99);
    assert.equal((await servers.store.nodes()).length, 1);
  });

  it('that are expired, used or of another controller, and a used name, give one sentence and a next command each', async (t) => {
    const [servers, other] = [await openControllerServers(t), await openControllerServers(t)];
    const { stateDir } = await servers.machine('alpha');
    const fresh = (): { url: string; caPin: string; name: string; stateDir: string } => ({
      ...{ url: servers.url, caPin: servers.ca.pin, name: 'beta', stateDir: joinPath(stateDir, 'fresh') },
    });
    const words = async (token: string, change: object = {}): Promise<string> => {
      const error: unknown = await join({ ...fresh(), token, ...change }).catch((cause: unknown) => cause);
      assert.ok(error instanceof SlipwayError);
      assert.match(error.hint ?? '', /slipway nodes:(token|rejoin)/);
      return `${error.code} ${error.message}`;
    };
    assert.match(await words(await other.token()), /^SLIP_JOIN_TOKEN This join token is invalid/);
    assert.match(await words(await servers.token({ expiresAtMs: Date.now() - 1 })), /^SLIP_JOIN_TOKEN/);
    const good = await servers.token();
    assert.match(await words(good, { name: 'alpha' }), /^SLIP_NODE_EXISTS A node named alpha already exists/);
    assert.match(await words(good, { url: other.url }), /^SLIP_JOIN_PIN/);
    await join({ ...fresh(), token: good });
    await rm(fresh().stateDir, { recursive: true });
    assert.match(await words(good), /^SLIP_JOIN_TOKEN/);
  });

  it('may be used again by the machine whose answer got lost, until it has connected', async (t) => {
    const servers = await openControllerServers(t);
    const token = await servers.token();
    const stateDir = joinPath((await servers.machine('alpha')).stateDir, 'next');
    const target = { url: servers.url, caPin: servers.ca.pin, name: 'beta', stateDir, token };
    const first = (await join(target)).identity;
    const { key } = await readNodeTls(stateDir);
    await rm(stateDir, { recursive: true });
    await writePendingKey(stateDir, key);
    assert.deepEqual((await join(target)).identity, first);
    await connects(t, servers, stateDir);
    await rm(stateDir, { recursive: true });
    await writePendingKey(stateDir, key);
    await assert.rejects(join(target), failsWith('SLIP_JOIN_TOKEN'));
  });

  it('are listed without their secret, and can be revoked', async (t) => {
    const servers = await openControllerServers(t);
    const made = await servers.ask('POST', '/nodes/tokens', { labels: { zone: 'attic' } });
    const secret = made.body['token'] as string;
    const listed = (await servers.ask('GET', '/join-tokens')).body as unknown as { id: string; createdBy: string }[];
    assert.equal(listed.length, 1);
    assert.equal(listed[0]?.createdBy, 'root');
    assert.ok(!JSON.stringify(listed).includes(secret));
    assert.equal((await servers.ask('DELETE', `/join-tokens/${listed[0].id}`)).status, 204);
    assert.equal((await servers.ask('DELETE', `/join-tokens/${listed[0].id}`)).body.error, 'SLIP_TOKEN_NOT_FOUND');
    const stateDir = await tempDir(t);
    await assert.rejects(
      join({ url: servers.url, caPin: servers.ca.pin, name: 'beta', stateDir, token: secret }),
      failsWith('SLIP_JOIN_TOKEN'),
    );
    assert.ok(!JSON.stringify(servers.logger.events).includes(secret), 'no log has it');
    const own = (await servers.ask('GET', '/tokens')).body as unknown as { id: string }[];
    assert.equal((await servers.ask('DELETE', `/tokens/${own[0]?.id ?? ''}`)).status, 204);
    assert.equal((await servers.ask('GET', '/tokens')).status, 401, 'signed out at once');
  });
});
