import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { writeMembership, type NodeTls } from '../../agent/session/node-files.ts';
import { createKeyRequest } from '../../agent/session/key-request.ts';
import type { Authority } from '../../controller/access/ca/authority.ts';
import { newSerial } from '../../controller/access/ca/certificates.ts';
import { openCa } from '../../controller/access/ca/open-ca.ts';
import type { ServerTls } from '../../controller/dispatch/server-credentials.ts';
import type { NodeId } from '../../shared/domain/ids.ts';
import { systemClock, type Clock } from '../../shared/kit/clock.ts';

export async function tempDir(t: TestContext, name = 'slipway-test-'): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), name));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

export function clockAt(nowMs: () => number): Clock {
  return { ...systemClock, nowMs };
}

export type TestCa = Authority & { readonly dir: string };

/** A fleet CA for one test. */
export async function makeCa(
  t: TestContext,
  options: { clock?: Clock; serverNames?: string[]; nodeLifetimeMs?: number } = {},
): Promise<TestCa> {
  const { clock = systemClock, serverNames = ['localhost', '127.0.0.1'], nodeLifetimeMs } = options;
  const dir = await tempDir(t, 'slipway-ca-');
  return { ...(await openCa({ dir, mayCreate: true, serverNames, clock, nodeLifetimeMs })), dir };
}

export async function serverTls(ca: Authority): Promise<ServerTls> {
  const { keyPem, certificatePem } = await ca.serverCredential();
  return { key: keyPem, certificate: certificatePem, ca: ca.caPem };
}

/** Another server certificate of the same CA, as after a renewal. */
export async function renewedServerTls(ca: TestCa): Promise<ServerTls> {
  const later = await openCa({
    dir: ca.dir,
    mayCreate: false,
    serverNames: ['localhost', '127.0.0.1', 'renewed'],
    clock: systemClock,
  });
  return await serverTls(later);
}

export interface IssuedNode {
  readonly serial: string;
  readonly tls: NodeTls;
}

export async function issueNode(ca: Authority, nodeId = 'node00000001'): Promise<IssuedNode> {
  const serial = newSerial();
  const { keyPem, csrPem } = await createKeyRequest('test');
  const { certificatePem } = await ca.issueNode({ csrPem, nodeId: nodeId as NodeId, serial });
  return { serial, tls: { key: keyPem, certificate: certificatePem, ca: ca.caPem } };
}

/** A state folder as after a join. */
export async function nodeStateDir(t: TestContext, tls: NodeTls): Promise<string> {
  const stateDir = await tempDir(t, 'slipway-node-');
  const identity = {
    nodeId: 'node00000001',
    nodeName: 'test',
    apiUrl: 'https://localhost',
    grpcAddress: 'localhost:1',
  };
  await writeMembership(stateDir, { identity, ...tls });
  return stateDir;
}
