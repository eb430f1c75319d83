import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { renewCertificate } from '../../../agent/session/renew.ts';
import { openCa } from '../../../controller/access/ca/open-ca.ts';
import type { NodeTls } from '../../../agent/session/node-files.ts';
import { noFailpoint } from '../../../shared/kit/failpoint.ts';
import { clockAt, issueNode, makeCa, nodeStateDir, serverTls } from '../../support/certificates.ts';
import { addNode } from '../../support/store-fixtures.ts';
import { openControllerServers, type ControllerServers } from '../../support/controller-servers.ts';
import { eventually } from '../../support/eventually.ts';
import { HELLO, openRawAgent } from '../../support/raw-agent.ts';

const YEAR_MS = 365 * 24 * 60 * 60_000;

/** What somebody might show: key, certificate, and the CA that they trust, which is always the CA of the other side. */
async function papers(t: TestContext, servers: ControllerServers): Promise<Readonly<Record<string, NodeTls>>> {
  const { ca, store } = servers;
  const good = await issueNode(ca);
  await addNode(store, 'good', good.serial);
  const yearAgo = await openCa({
    dir: ca.dir,
    mayCreate: false,
    serverNames: ['localhost'],
    clock: clockAt(() => Date.now() - YEAR_MS),
  });
  const expired = await issueNode(yearAgo);
  await addNode(store, 'expired', expired.serial);
  const foreign = await makeCa(t);
  const [guest, guestServer] = [await issueNode(foreign), await serverTls(foreign)];
  // even if the serial is that of a node of ours
  await addNode(store, 'guest', guest.serial);
  const trusting = (tls: { key: string; certificate: string }): NodeTls => ({ ...tls, ca: ca.caPem });
  return {
    "a node's": good.tls,
    "an expired node's": trusting(expired.tls),
    "another fleet's node's": trusting(guest.tls),
    "the controller's own": trusting(await serverTls(ca)),
    "another fleet's controller's": trusting(guestServer),
  };
}

const OTHERS = ["an expired node's", "another fleet's node's", "the controller's own", "another fleet's controller's"];

describe('a certificate in the wrong place', () => {
  it('as a node at the API: only a node’s is accepted', async (t) => {
    const servers = await openControllerServers(t);
    const shown = await papers(t, servers);
    const ask = async (name: string): Promise<number> =>
      (await servers.askAs(shown[name], 'POST', '/node/certificate/use', {})).status;
    assert.equal(await ask("a node's"), 200);
    for (const name of OTHERS) assert.equal(await ask(name), 401, name);
  });

  it('only the certificate of a node opens a session', async (t) => {
    const servers = await openControllerServers(t);
    const shown = await papers(t, servers);
    for (const name of ["a node's", ...OTHERS]) {
      const agent = openRawAgent(t, servers, shown[name]!);
      agent.send({ hello: HELLO });
      await eventually(`an answer to ${name}`, () => agent.ended !== undefined || agent.heard.length > 0);
      assert.equal(agent.heard.length > 0, name === "a node's", `${name}: ${agent.ended ?? 'taken'}`);
    }
    assert.deepEqual(
      servers.dispatch.fleet
        .nodes()
        .filter((node) => node.connected)
        .map(({ name }) => name),
      ['good'],
    );
  });

  it('as the controller, for a node that renews its certificate: only the controller’s is accepted', async (t) => {
    const servers = await openControllerServers(t);
    const shown = await papers(t, servers);
    const stateDir = await nodeStateDir(t, shown["a node's"]!);
    for (const name of ["a node's", "an expired node's", "another fleet's node's", "another fleet's controller's"]) {
      const { server, url, asked } = await impostor(shown[name]!);
      await assert.rejects(renewCertificate({ apiUrl: url, stateDir }, noFailpoint), name);
      assert.equal(asked(), 0, `${name}: nothing was said to it`);
      server.close();
    }
    const honest = await impostor(shown["the controller's own"]!);
    await assert.rejects(renewCertificate({ apiUrl: honest.url, stateDir }, noFailpoint));
    assert.equal(honest.asked(), 1, 'it was asked, and had no answer');
    honest.server.close();
  });
});

async function impostor({ key, certificate }: NodeTls): Promise<{ server: Server; url: string; asked: () => number }> {
  let asked = 0;
  const server = createServer({ key, cert: certificate }, (_request, response) => {
    asked += 1;
    response.writeHead(500).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `https://localhost:${String((server.address() as AddressInfo).port)}`, asked: () => asked };
}
