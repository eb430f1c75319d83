import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { RevocationReason } from '../../domain/issued.ts';
import type { App } from '../../domain/apps.ts';
import type { User } from '../../domain/users.ts';
import { noteEvent } from '../../store/note-event.ts';
import { notFound } from '../api-errors.ts';
import type { ApiDeps } from '../deps.ts';
import { findCertificate, type CertificateState } from './certificates.ts';

type Deps = Pick<ApiDeps, 'store' | 'fleet' | 'clock' | 'log' | 'automaticCertificates'>;

/** Records that the certificate must be revoked. The controller then does it, also after a restart. @throws SLIP_CERT_UPLOADED */
export async function revokeCertificate(
  deps: Deps,
  {
    app,
    baseDomain,
    user,
    text,
    reason,
    now,
  }: {
    readonly app: App;
    readonly baseDomain: string;
    readonly user: User;
    readonly text: string;
    readonly reason: RevocationReason;
    readonly now: boolean;
  },
): Promise<CertificateState> {
  const scope = { app, baseDomain };
  const { certificate } = await findCertificate(deps, scope, text);
  if (certificate.kind === 'uploaded') throw certificateUploaded(app, text);
  if (certificate.appId !== app.id) throw notFound('certificate');
  const { fingerprint, id, names } = certificate;
  const cause = `${user.name} asked for it.`;
  if ((await deps.store.requestRevocation({ fingerprint, reason, cause, now })) === undefined)
    throw notFound('certificate');
  const [name = ''] = names;
  const when = now ? 'at once' : 'when its successor is served';
  noteEvent(deps, {
    ...{ kind: 'certificate.revocation', actor: user.name, app: app.name, next: `slipway why ${name}` },
    message: `${user.name} asked to revoke the certificate of ${name} ${when} (${reason}).`,
  });
  deps.automaticCertificates.revocationsChanged();
  return await findCertificate(deps, scope, id);
}

function certificateUploaded(app: App, text: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CERT_UPLOADED',
    kind: 'conflict',
    message: `This certificate of ${app.name} was uploaded, so only the certificate authority that gave it can revoke it for you.`,
    hint: `Revoke it there, and upload its successor: slipway certs:add CRT KEY -a ${app.name}. Or remove it: slipway certs:remove ${text} -a ${app.name}`,
  });
}
