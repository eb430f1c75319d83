import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import type { AuthorityOptions } from '../../controller/access/ca/authority.ts';
import { newSerial } from '../../controller/access/ca/certificates.ts';
import { openCa } from '../../controller/access/ca/open-ca.ts';
import type { NodeId } from '../../shared/domain/ids.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { randomId } from '../../shared/kit/random-id.ts';
import { makeCsr } from '../support/csr.ts';

const DAY_MS = 24 * 3600_000;

describe('the certificate authority', () => {
  let base: string;
  before(async () => {
    base = await mkdtemp(join(tmpdir(), 'slipway-ca-'));
  });
  after(() => rm(base, { recursive: true }));

  const options = (change: Partial<AuthorityOptions> = {}): AuthorityOptions => ({
    dir: join(base, randomId()),
    mayCreate: true,
    serverNames: ['localhost', '127.0.0.1'],
    clock: systemClock,
    ...change,
  });

  it('is made once, kept from others, and the same after a restart', async () => {
    const at = options();
    const first = await openCa(at);
    const again = await openCa({ ...at, mayCreate: false });
    assert.equal(again.caPem, first.caPem);
    assert.equal((await stat(join(at.dir, 'fleet-ca.pem'))).mode & 0o077, 0);
    const spki = new X509Certificate(first.caPem).publicKey.export({ type: 'spki', format: 'der' });
    assert.equal(first.pin, `sha256:${createHash('sha256').update(spki).digest('hex')}`);
  });

  it('refuses to start an existing fleet with a missing, cut, emptied or foreign CA', async () => {
    const at = options({ mayCreate: true });
    await openCa(at);
    const path = join(at.dir, 'fleet-ca.pem');
    const whole = await readFile(path, 'utf8');
    const other = options();
    await openCa(other);
    const foreign = await readFile(join(other.dir, 'fleet-ca.pem'), 'utf8');
    const mixed = whole.slice(0, whole.indexOf('-----BEGIN CERT')) + foreign.slice(foreign.indexOf('-----BEGIN CERT'));
    for (const bytes of ['', 'garbage', whole.slice(0, whole.length / 2), mixed]) {
      await writeFile(path, bytes);
      await assert.rejects(openCa(at), { code: 'SLIP_CA_DAMAGED', message: new RegExp(path) });
    }
    await truncate(path, 0);
    await rm(path);
    await assert.rejects(openCa({ ...at, mayCreate: false }), { code: 'SLIP_CA_MISSING' });
  });

  it('renews the server certificate in the last third of its life, and when the names change', async () => {
    let nowMs = Date.now();
    const clock = { ...systemClock, nowMs: () => nowMs };
    const at = options({ clock, serverLifetimeMs: 90 * DAY_MS });
    const authority = await openCa(at);
    const first = await authority.serverCredential();
    nowMs += 59 * DAY_MS;
    assert.equal((await authority.serverCredential()).certificatePem, first.certificatePem);
    nowMs += 2 * DAY_MS;
    const renewed = await authority.serverCredential();
    assert.notEqual(renewed.certificatePem, first.certificatePem);
    assert.equal(renewed.keyPem, first.keyPem, 'the line of a token made before it names this key');
    const renamed = await (await openCa({ ...at, serverNames: ['fleet.example.com'] })).serverCredential();
    assert.equal(new X509Certificate(renamed.certificatePem).subjectAltName, 'DNS:fleet.example.com');
    assert.equal(renamed.keyPem, first.keyPem);
    await writeFile(join(at.dir, 'server.pem'), 'garbage');
    await (await openCa(at)).serverCredential();
  });

  it('gives a node its identity from the controller, not from its request', async () => {
    const authority = await openCa(options());
    const { csrPem } = await makeCsr({ name: 'CN=admin', dns: 'controller.example.com', ca: true });
    const serial = newSerial();
    const { certificatePem } = await authority.issueNode({ csrPem, nodeId: 'node0001' as NodeId, serial });
    const certificate = new X509Certificate(certificatePem);
    assert.equal(certificate.subject, 'CN=node0001');
    assert.equal(certificate.subjectAltName, 'URI:slipway://fleet/node/node0001, DNS:node0001.mesh.slipway.internal');
    // Both ends of the mesh; its only DNS name is one that no controller has.
    assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1']);
    assert.equal(certificate.ca, false);
    assert.equal(certificate.serialNumber.toLowerCase(), serial);
    assert.ok(certificate.verify(new X509Certificate(authority.caPem).publicKey));
  });

  it('refuses requests that are no requests, or not signed by their own key', async () => {
    const authority = await openCa(options());
    const { csrPem } = await makeCsr({});
    const lines = csrPem.trim().split('\n');
    const last = lines.length - 2;
    const flipped = lines
      .map((line, index) => (index === last ? line.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')) : line))
      .join('\n');
    for (const bad of ['', 'x', authority.caPem, flipped]) {
      await assert.rejects(authority.checkRequest(bad), { code: 'SLIP_CSR_INVALID' });
    }
    await authority.checkRequest(csrPem);
  });

  it('accepts a node by mutual TLS, but no certificate of another fleet or of a server', async () => {
    const [ours, theirs] = await Promise.all([openCa(options()), openCa(options())]);
    const credential = await ours.serverCredential();
    const server = createServer({
      key: credential.keyPem,
      cert: credential.certificatePem,
      ca: ours.caPem,
      requestCert: true,
      rejectUnauthorized: true,
    });
    server.on('secureConnection', (socket: TLSSocket) => socket.end(socket.getPeerCertificate().serialNumber));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    const dial = async (tls: { key: string; cert: string }): Promise<string> => {
      const socket = connect({ ...tls, ca: ours.caPem, port: address.port, host: '127.0.0.1' });
      let text = '';
      try {
        for await (const chunk of socket) text += String(chunk);
      } catch {
        return 'refused';
      }
      return text === '' ? 'refused' : text;
    };
    try {
      const serial = newSerial();
      const { csrPem, keyPem } = await makeCsr({});
      const node = { csrPem, nodeId: 'node0001' as NodeId, serial };
      assert.equal(
        (await dial({ key: keyPem, cert: (await ours.issueNode(node)).certificatePem })).toLowerCase(),
        serial,
      );
      assert.equal(await dial({ key: keyPem, cert: (await theirs.issueNode(node)).certificatePem }), 'refused');
      assert.equal(await dial({ key: credential.keyPem, cert: credential.certificatePem }), 'refused');
    } finally {
      server.close();
    }
  });
});
