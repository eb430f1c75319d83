import { Readable } from 'node:stream';
import type { CertificateBody } from '../../../shared/api/certificates.ts';
import { isId, type CertificateId } from '../../../shared/domain/ids.ts';
import { notFound } from '../api-errors.ts';
import type { ApiConfig, ApiDeps } from '../deps.ts';
import {
  addCertificate,
  findCertificate,
  listCertificates,
  removeCertificate,
  type CertificateState,
} from '../operations/certificates.ts';
import { revokeCertificate } from '../operations/revoke-certificate.ts';
import { namesHttps, viewReason } from '../operations/https.ts';
import type { IssuedCertificate } from '../../domain/issued.ts';
import { appRoute, nodeRoute, type Route } from '../route.ts';

/** Two files in base64. */
const UPLOAD_LIMIT_BYTES = 1024 * 1024;

/** Certificates for the clients of apps. */
export function certificateRoutes({ baseDomain }: ApiConfig, deps: ApiDeps): readonly Route[] {
  return [
    readCertificate(deps),
    appRoute('listCertificates', {
      auth: 'user',
      action: 'app.read',
      handle: async ({ app }) => ({
        certificates: (await listCertificates(deps, { app, baseDomain })).map(viewCertificate),
        names: await namesHttps(deps, app),
      }),
    }),
    appRoute('addCertificate', {
      auth: 'user',
      action: 'app.write',
      bodyLimitBytes: UPLOAD_LIMIT_BYTES,
      handle: async ({ app, user, body, signal }) => {
        const files = {
          certificate: Buffer.from(body.certificate, 'base64'),
          key: Buffer.from(body.key, 'base64'),
        };
        const { replaced, warnings, ...state } = await addCertificate(deps, { app, baseDomain, user, files, signal });
        return { ...viewCertificate(state), replaced, warnings };
      },
    }),
    appRoute('readCertificateInfo', {
      auth: 'user',
      action: 'app.read',
      handle: async ({ app, params }) =>
        viewCertificate(await findCertificate(deps, { app, baseDomain }, params.certificate)),
    }),
    appRoute('removeCertificate', {
      auth: 'user',
      action: 'app.write',
      handle: async ({ app, user, params }) => {
        const { id, names } = await removeCertificate(deps, { app, baseDomain, user, text: params.certificate });
        return { id, names };
      },
    }),
    revoke(baseDomain, deps),
  ];
}

function revoke(baseDomain: string, deps: ApiDeps): Route {
  return appRoute('revokeCertificate', {
    auth: 'user',
    action: 'app.write',
    handle: async ({ app, user, params: { certificate: text }, body: { reason, now = false } }) =>
      viewCertificate(await revokeCertificate(deps, { app, baseDomain, user, text, reason, now })),
  });
}

/** Only the current certificates, and only for nodes that answer HTTPS, because the answer has the key. */
function readCertificate({ store, fleet }: ApiDeps): Route {
  return nodeRoute('readCertificate', {
    auth: 'node',
    action: 'node.edge-certificate.read',
    handle: async ({ node, params, reply }) => {
      const id = params.id as CertificateId;
      const served = isId(params.id) ? fleet.servedBy(id) : undefined;
      const isAllowed = served?.nodes.some(({ nodeId }) => nodeId === node.id) === true;
      const files = isAllowed ? await store.certificateFiles(id) : undefined;
      if (files?.fingerprint !== params.fingerprint || files.fingerprint !== served?.fingerprint)
        throw notFound('certificate');
      // Before the key leaves: if the node is revoked later, the key is replaced.
      await store.addHolder(node.id, files.fingerprint);
      reply.type('application/x-pem-file').header('cache-control', 'no-store');
      return Readable.from([Buffer.from(files.chainPem + files.keyPem.reveal())]);
    },
  });
}

function viewCertificate({ certificate, serves, served, revocation }: CertificateState): CertificateBody {
  const { id, kind, names, issuer = '', fingerprint, notBeforeMs, notAfterMs, exposed } = certificate;
  const nodes = (served?.nodes ?? []).map(({ name, connected, state, reason, servedFingerprint }) => ({
    ...{ name, connected, state },
    ...(reason === undefined ? {} : { message: reason.message }),
    ...(servedFingerprint === undefined ? {} : { servedFingerprint }),
  }));
  return {
    ...{ id, kind, names, issuer, fingerprint, notBeforeMs, notAfterMs, serves, nodes },
    ...(exposed === undefined ? {} : { exposed }),
    ...(revocation === undefined ? {} : { revocation: viewRevocation(revocation) }),
  };
}

function viewRevocation({
  hostname,
  state,
  reason = 'unspecified',
  cause = '',
  problem,
}: IssuedCertificate): CertificateBody['revocation'] {
  const why = problem === undefined ? {} : { problem: viewReason(problem, `slipway why ${hostname}`) };
  return { state: state === 'valid' ? 'replacing' : state, reason, cause, ...why };
}
