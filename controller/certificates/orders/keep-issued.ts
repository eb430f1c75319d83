import type { Clock } from '../../../shared/kit/clock.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { AcmeError } from '../../acme/problem.ts';
import type { Fleet, ServedCertificate } from '../../dispatch/port.ts';
import type { Store } from '../../store/port.ts';
import { chooseCertificates } from '../choose.ts';
import { parseUpload, type ParsedUpload, type UploadedFiles } from '../parse-upload.ts';
import type { IssuedCertificates } from './steps.ts';

interface KeepIssuedDeps {
  readonly store: Pick<Store, 'saveCertificate' | 'removeUnordered' | 'certificates'>;
  readonly fleet: Pick<Fleet, 'certificatesChanged' | 'servedBy'>;
  readonly clock: Clock;
}

/** Keeps issued certificates with the uploaded ones, so they reach the nodes in the same way. They pass the same checks. */
export function keepIssued({ store, fleet, clock }: KeepIssuedDeps): IssuedCertificates {
  return {
    save: async ({ id, appId, hostname, chainPem, keyPem }) => {
      const files = { certificate: Buffer.from(chainPem), key: Buffer.from(keyPem) };
      const { warnings: _, ...parsed } = parse(files, clock.nowMs());
      if (!parsed.names.includes(hostname)) throw unusable(`the certificate is not for ${hostname}`);
      const { fingerprint, notBeforeMs, notAfterMs } = await store.saveCertificate({
        ...parsed,
        ...{ id, appId, kind: 'acme' },
      });
      // The domain may have been removed while the CA worked.
      await store.removeUnordered();
      await fleet.certificatesChanged();
      return { fingerprint, notBeforeMs, notAfterMs };
    },
    isServed: async ({ id, appId, hostname, fingerprint }) => {
      const own = fleet.servedBy(id);
      if (own !== undefined) return own.fingerprint === fingerprint && isEverywhere(own);
      const apps = [{ appId, hostnames: [hostname] }];
      const first = chooseCertificates(await store.certificates(appId), apps, clock.nowMs()).get(hostname);
      const other = first === undefined || first.id === id ? undefined : fleet.servedBy(first.id);
      return other !== undefined && other.fingerprint === first?.fingerprint && isEverywhere(other);
    },
  };
}

function isEverywhere({ nodes }: ServedCertificate): boolean {
  const connected = nodes.filter((node) => node.connected);
  return connected.length > 0 && connected.every(({ state }) => state === 'served');
}

/** A certificate that cannot be used is a fault of the CA: the order starts again, after a wait. */
function parse(files: UploadedFiles, nowMs: number): ParsedUpload {
  try {
    return parseUpload(files, nowMs);
  } catch (cause) {
    throw unusable(cause instanceof SlipwayError ? cause.message : 'the certificate cannot be read', cause);
  }
}

function unusable(detail: string, cause?: unknown): AcmeError {
  return new AcmeError({ type: 'badAnswer', status: 0, detail, subproblems: [] }, { cause });
}
