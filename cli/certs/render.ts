import type { CertificateAddedBody, CertificateBody } from '../../shared/api/certificates.ts';
import { oneLine } from '../terminal/escape.ts';
import type { RenderContext } from '../terminal/render-context.ts';
import { formatDuration } from '../../shared/kit/duration.ts';
import { renderTable, type Cell } from '../terminal/table.ts';

export function renderCertificates(
  app: string,
  certificates: readonly CertificateBody[],
  context: RenderContext,
): string {
  if (certificates.length === 0)
    return `${app} has no certificates. Upload one with: slipway certs:add CRT KEY -a ${app}\n`;
  const head: readonly Cell[] = ['Name', 'Host names', 'Ends', 'Kind', 'Issuer', 'Served by'];
  const rows = certificates.map((one): Cell[] => [
    one.id,
    hostNames(one),
    endCell(one, context),
    one.kind === 'acme' ? 'automatic' : one.kind,
    oneLine(one.issuer),
    servedCell(one, context),
  ]);
  return `=== ${context.paint.bold(`${app} Certificates`)}\n${renderTable([head, ...rows])}${certificates.map((one) => renderTrouble(app, one)).join('')}`;
}

export function renderCertificate(app: string, certificate: CertificateBody, context: RenderContext): string {
  const { id, names, serves, kind, issuer, fingerprint, notBeforeMs, nodes } = certificate;
  const end = endCell(certificate, context);
  const lines: readonly (readonly Cell[])[] = [
    ['Name:', id],
    ['Kind:', kind === 'acme' ? 'automatic' : kind],
    ['Names in it:', names.join(', ')],
    ['Used for:', serves.length === 0 ? 'no host name of the app' : serves.join(', ')],
    ['Issuer:', oneLine(issuer)],
    ['Valid from:', dayOf(notBeforeMs)],
    ['Ends:', end],
    ['SHA-256:', fingerprint],
    ['Served by:', servedCell(certificate, context)],
  ];
  const others = nodes.filter(({ state }) => state !== 'served');
  const rows = others.map((node): Cell[] => [node.name, sayState(node), oneLine(node.message ?? '')]);
  return renderTable(lines) + (rows.length === 0 ? '' : `\n${renderTable(rows)}`) + renderTrouble(app, certificate);
}

export function renderAdded(app: string, answer: CertificateAddedBody): string {
  const verb = answer.replaced ? 'Replaced' : 'Added';
  const warnings = answer.warnings.map((text) => ` !     ${oneLine(text)}\n`).join('');
  const done = `${verb} the certificate of ${app} for ${answer.serves.join(', ') || answer.names.join(', ')}. It ends on ${dayOf(answer.notAfterMs)}.\n`;
  const away = answer.nodes.filter(({ state }) => state !== 'served');
  const nodes = away.map((node): Cell[] => [node.name, sayState(node), oneLine(node.message ?? '')]);
  const unused =
    answer.serves.length === 0 ? ` !     Another certificate serves its names now. See: slipway certs -a ${app}\n` : '';
  return `${done}${warnings}${unused}Served by ${served(answer)}.\n${renderTable(nodes, '  ')}`;
}

function hostNames({ serves, names }: CertificateBody): string {
  const shown = serves.length === 0 ? names : serves;
  const [first = '', second] = shown;
  const text = second === undefined ? first : `${first} and ${String(shown.length - 1)} more`;
  return serves.length === 0 ? `${text} (not used)` : text;
}

/** Red when a tenth of the life or less is left. */
function endCell({ notBeforeMs, notAfterMs }: CertificateBody, { paint, nowMs }: RenderContext): Cell {
  const leftMs = notAfterMs - nowMs;
  const text = `${dayOf(notAfterMs)} (${leftMs <= 0 ? 'ended' : `${formatDuration(leftMs)} left`})`;
  return leftMs <= (notAfterMs - notBeforeMs) / 10 ? { text, paint: paint.red } : text;
}

/** A key that is not secret any more, and a revocation. */
function renderTrouble(app: string, certificate: CertificateBody): string {
  const { exposed, revocation } = certificate;
  const name = hostNames(certificate);
  const lost =
    exposed === undefined
      ? ''
      : ` !     ${name}: replace this certificate by one with a new key. ${oneLine(exposed)}\n ▸     slipway certs:add CRT KEY -a ${app}\n`;
  return lost + (revocation === undefined ? '' : ` !     ${name}: ${sayRevocation(revocation)}\n`);
}

export function sayRevocation({ state, reason, cause, problem }: NonNullable<CertificateBody['revocation']>): string {
  if (problem !== undefined) return oneLine(problem.message);
  const steps = {
    replacing: `a certificate with a new key is ordered. This one is revoked (${reason}) when every connected node serves the new one.`,
    revoking: `the certificate authority is asked to revoke it (${reason}).`,
    revoked: `it is revoked (${reason}). Its successor is ordered.`,
  };
  return state === 'unknown' ? oneLine(cause) : `${steps[state]} ${oneLine(cause)}`.trim();
}

function servedCell(certificate: CertificateBody, { paint }: RenderContext): Cell {
  const { serves, nodes } = certificate;
  if (serves.length === 0) return '';
  const isEverywhere = nodes.every(({ state }) => state === 'served');
  const text = served(certificate);
  return isEverywhere ? text : { text, paint: paint.red };
}

function served({ nodes }: CertificateBody): string {
  if (nodes.length === 0) return 'no node, because no node answers HTTPS';
  const count = nodes.filter(({ state }) => state === 'served').length;
  return `${String(count)} of ${String(nodes.length)} ${nodes.length === 1 ? 'node' : 'nodes'}`;
}

function sayState({ state, connected, servedFingerprint }: CertificateBody['nodes'][number]): string {
  if (!connected) return 'not connected';
  if (servedFingerprint !== undefined) return 'serves the former certificate';
  return state === 'waiting' ? 'fetches it' : 'does not serve it';
}

function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
