import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCa } from '../../controller/access/ca/open-ca.ts';
import { systemClock } from '../../shared/kit/clock.ts';

export interface OtherServer {
  readonly url: string;
  /** In curl's form. */
  readonly pin: string;
  close(): Promise<void>;
}

/** An HTTPS server of the controller with another clock, because the servers of these tests share the clock of their host. */
export async function openOtherServer(host: string, aheadMs: number): Promise<OtherServer> {
  const dir = await mkdtemp(join(tmpdir(), 'slipway-server-'));
  const authority = await openCa({ dir, mayCreate: true, serverNames: [host], clock: systemClock });
  const { keyPem, certificatePem } = await authority.serverCredential();
  await rm(dir, { recursive: true });
  const server = createServer({ key: keyPem, cert: certificatePem }, (_, response) => {
    response.setHeader('date', new Date(Date.now() + aheadMs).toUTCString());
    response.end();
  });
  server.listen(0, host);
  await once(server, 'listening');
  const spki = new X509Certificate(certificatePem).publicKey.export({ type: 'spki', format: 'der' });
  return {
    url: `https://${host}:${String((server.address() as AddressInfo).port)}`,
    pin: `sha256//${createHash('sha256').update(spki).digest('base64')}`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
