import type { TlsBody } from '../../shared/api/https.ts';
import { oneLine } from '../terminal/escape.ts';
import { renderTable, type Cell } from '../terminal/table.ts';

export function renderTls(body: TlsBody): string {
  const { directoryUrl, contacts, profile, termsAgreed, externalKeyId, hasCaFile, accountUrl } = body;
  const rows: Cell[][] = [
    ['Certificate authority:', oneLine(directoryUrl)],
    ['Terms:', termsAgreed ? 'agreed to' : 'not agreed to, so no certificates are ordered'],
    ['Contact:', contacts.length === 0 ? 'none' : oneLine(contacts.join(', '))],
    ['Profile:', profile === undefined ? 'the default of the certificate authority' : oneLine(profile)],
    ['Account:', accountUrl === undefined ? 'none yet' : oneLine(accountUrl)],
    ...(externalKeyId === undefined ? [] : [['External account:', oneLine(externalKeyId)]]),
    ...(hasCaFile ? [['Checked with:', 'an own CA file']] : []),
  ];
  return renderTable(rows) + agreement(body) + problemOf(body);
}

function agreement({ termsAgreed, termsUrl }: TlsBody): string {
  if (termsAgreed) return '';
  const read = termsUrl === undefined ? '' : `Read the terms: ${oneLine(termsUrl)}\n`;
  return `${read}Then agree to them with: slipway tls:set --agree-terms --contact you@example.com\n`;
}

function problemOf({ problem }: TlsBody): string {
  return problem === undefined ? '' : ` !     ${oneLine(problem.message)}\n ▸     ${oneLine(problem.next)}\n`;
}
