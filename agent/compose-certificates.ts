import { join } from 'node:path';
import { CertificateFiles } from './certificates/certificate-files.ts';
import { NodeCertificates, type NodeCertificatesDeps } from './certificates/node-certificates.ts';
import type { Basics, Drivers } from './compose-drivers.ts';

export function composeCertificates(
  { config, clock, log, failpoint }: Basics,
  { transport, proxy, identity: { nodeId } }: Pick<Drivers, 'transport' | 'proxy' | 'identity'>,
  to: Pick<NodeCertificatesDeps, 'apply' | 'report' | 'tell'>,
): NodeCertificates {
  const files = new CertificateFiles(join(config.stateDir, 'certificates'));
  const unserved: NodeCertificatesDeps['unserved'] = () => proxy.unservedCertificates();
  const answersHttps = config.proxy.tls !== false;
  const random = Math.random;
  return new NodeCertificates({
    ...to,
    answersHttps,
    nodeId,
    files,
    transport,
    unserved,
    clock,
    log,
    failpoint,
    random,
  });
}
