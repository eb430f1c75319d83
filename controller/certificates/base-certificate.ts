import { readFile } from 'node:fs/promises';
import type { CertificateId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { noteEvent } from '../store/note-event.ts';
import type { Store } from '../store/port.ts';
import { covers } from './choose.ts';
import { parseUpload } from './parse-upload.ts';

/** Always the same, so that new files replace the certificate of the former ones. */
const BASE_ID = 'basedomain00' as CertificateId;

interface BaseCertificateDeps {
  readonly store: Pick<Store, 'certificate' | 'saveCertificate' | 'removeCertificate' | 'addEvent'>;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface BaseCertificateSettings {
  readonly baseDomain: string;
  /** Paths. Undefined: the operator gives no certificate. */
  readonly baseCertificate?: { readonly certificate: string; readonly key: string } | undefined;
}

/** Stores the operator's certificate for the names below the base domain. Files that are wrong change nothing, and the controller starts. */
export async function loadBaseCertificate(deps: BaseCertificateDeps, settings: BaseCertificateSettings): Promise<void> {
  try {
    await load(deps, settings);
  } catch (error) {
    deps.log.error({ err: error }, 'certificates.base_not_read');
    const { message, hint } =
      error instanceof SlipwayError ? error : { message: 'A file cannot be read.', hint: undefined };
    noteEvent(deps, {
      kind: 'certificate.base_failed',
      actor: 'controller',
      message: `The certificate of the base domain in the settings of the controller cannot be used: ${message}`,
      next: hint ?? 'Correct baseCertificate in controller.json, then start the controller again.',
    });
  }
}

async function load(
  { store, clock }: BaseCertificateDeps,
  { baseDomain, baseCertificate }: BaseCertificateSettings,
): Promise<void> {
  const stored = await store.certificate(BASE_ID);
  if (baseCertificate === undefined) {
    if (stored !== undefined) await store.removeCertificate(BASE_ID);
    return;
  }
  const [certificate, key] = [await readFile(baseCertificate.certificate), await readFile(baseCertificate.key)];
  const { warnings: _warnings, ...parsed } = parseUpload({ certificate, key }, clock.nowMs());
  if (!covers(parsed.names, `app.${baseDomain}`)) throw ofOtherNames(baseDomain);
  if (parsed.fingerprint === stored?.fingerprint) return;
  await store.saveCertificate({ ...parsed, id: BASE_ID, kind: 'uploaded' });
}

function ofOtherNames(baseDomain: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CERT_BASE',
    message: `The certificate does not have the name *.${baseDomain}.`,
    hint: `Give baseCertificate in controller.json a certificate for *.${baseDomain}, then start the controller again.`,
  });
}
