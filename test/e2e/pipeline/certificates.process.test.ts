import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, type PeerCertificate } from 'node:tls';
import { after, before, describe, it } from 'node:test';
import type { CertificateBody } from '../../../shared/api/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { TestFleet } from '../../support/fleet.ts';
import { helloApp } from '../../support/fleet-user.ts';
import { makeWebCertificate, type WebCertificate } from '../../support/web-certificates.ts';

const NOBODY = 65_534;
const NAME = 'www.shop.example';

describe('an uploaded certificate', { concurrency: false }, () => {
  let fleet: TestFleet;
  before(async () => {
    fleet = await TestFleet.start({
      sandbox: 'process',
      controller: { rollout: { settleMs: 200, bakeMs: 200 } },
      ...(process.getuid?.() === 0 ? { agentUid: NOBODY } : {}),
    });
    const hello = await fleet.me.repository('hello', helloApp('1'));
    const pushed = await hello.push('hello');
    assert.ok(pushed.ok, pushed.text);
    await fleet.slipway('domains:add', NAME, '-a', 'hello');
  });
  after(() => fleet.stop());

  const filesOnNode = (): Promise<readonly string[]> => readdir(join(fleet.stateDirs.agent, 'certificates'));

  async function upload(one: WebCertificate): Promise<string> {
    const [crt, key] = [join(fleet.dir, 'crt.pem'), join(fleet.dir, 'key.pem')];
    await writeFile(crt, one.pem);
    await writeFile(key, one.keyPem);
    return await fleet.slipway('certs:add', crt, key, '-a', 'hello');
  }

  async function info(): Promise<CertificateBody> {
    return JSON.parse(await fleet.slipway('certs:info', NAME, '-a', 'hello', '--json')) as CertificateBody;
  }

  async function untilServed(one: WebCertificate): Promise<CertificateBody> {
    const serial = one.certificate.serialNumber.toUpperCase();
    await eventually('the certificate at the proxy', async () => (await served()).serialNumber === serial);
    return await eventually('the report', async () => {
      const now = await info();
      return now.nodes.every(({ state }) => state === 'served') && now.nodes.length === 1 ? now : undefined;
    });
  }

  /** What a client with this name gets. */
  function served(): Promise<PeerCertificate> {
    return new Promise((resolve, reject) => {
      const options = { port: fleet.ports.tls, servername: NAME, rejectUnauthorized: false };
      const socket = connect(options, () => {
        resolve(socket.getPeerCertificate());
        socket.destroy();
      });
      socket.once('error', reject);
    });
  }

  it('is a file of mode 0600 on the node, is served, and is reported', async () => {
    const one = await makeWebCertificate({ names: [NAME, 'other.example'] });
    assert.match(await upload(one), /^Added the certificate of hello for www\.shop\.example\./);
    const { fingerprint, id, serves } = await untilServed(one);
    assert.deepEqual(serves, [NAME]);
    const [file] = await filesOnNode();
    assert.equal(file, `${id}.${fingerprint}.pem`);
    const path = join(fleet.stateDirs.agent, 'certificates', file);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal(await readFile(path, 'utf8'), one.pem + one.keyPem);
    assert.match(await fleet.slipway('certs', '-a', 'hello'), /www\.shop\.example.*uploaded.*1 of 1 node/);
  });

  it('is fetched by an agent that was killed between the answer and the file', async () => {
    await fleet.endAgent();
    await fleet.startAgentAlone({ SLIPWAY_FAILPOINTS: 'certificate.fetched=kill' });
    await fleet.untilConnected();
    const two = await makeWebCertificate({ names: [NAME, 'other.example'] });
    assert.match(await upload(two), /^Replaced the certificate/);
    await fleet.agentGone();
    await fleet.startAgent();
    await untilServed(two);
    assert.equal((await filesOnNode()).length, 1);
  });

  it('is served by an agent that starts without its controller, and is reported again to the next controller', async () => {
    const before = await info();
    await fleet.endController();
    await fleet.endAgent();
    await fleet.startAgentAlone();
    const serial = (await served()).serialNumber;
    await fleet.startController();
    await fleet.untilConnected();
    const after = await eventually('the report', async () => {
      const now = await info();
      return now.nodes.every(({ state, connected }) => connected && state === 'served') ? now : undefined;
    });
    assert.equal(after.fingerprint, before.fingerprint);
    assert.equal((await served()).serialNumber, serial);
  });

  it('leaves the node when it is removed, and its key is in no log', async () => {
    await fleet.slipway('certs:remove', NAME, '-a', 'hello', '--confirm', 'hello');
    await eventually('no file', async () => (await filesOnNode()).length === 0);
    assert.match(await fleet.slipway('certs', '-a', 'hello'), /has no certificates/);
    const key = (await readFile(join(fleet.dir, 'key.pem'), 'utf8')).split('\n').filter((line) => line.length > 20);
    const secrets = key.filter((line) => !line.startsWith('-----'));
    for (const log of ['controller.log', 'agent.log']) {
      const text = await readFile(join(fleet.dir, log), 'utf8');
      assert.ok(secrets.length > 1 && secrets.every((line) => !text.includes(line)), log);
    }
  });
});
