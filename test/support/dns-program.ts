import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DnsProvider } from '../../controller/domain/dns-providers.ts';
import { Sensitive } from '../../shared/kit/sensitive.ts';

/** Writes a program of an operator, which sets TXT records at the DNS server of pebble. @returns its name */
export async function writeDnsProgram(
  programsDir: string,
  { dnsCommandsUrl }: { readonly dnsCommandsUrl: string },
): Promise<string> {
  const body = `
const [, , action, name, value] = process.argv;
const command = action === 'present' ? 'set-txt' : 'clear-txt';
const body = JSON.stringify({ host: name + '.', value });
fetch('${dnsCommandsUrl}/' + command, { method: 'POST', body }).then(({ ok }) => process.exit(ok ? 0 : 1));
`;
  return await writeProgram(programsDir, 'set-txt', body);
}

/** @param body JavaScript */
export async function writeProgram(programsDir: string, name: string, body: string): Promise<string> {
  await writeFile(join(programsDir, name), `#!${process.execPath}\n${body}`, { mode: 0o755 });
  return name;
}

export function aProvider(fields: Partial<DnsProvider> = {}): DnsProvider {
  return {
    ...{ name: 'main', kind: 'exec', zone: 'example.com', recordZone: 'example.com', settings: { program: 'set-txt' } },
    ...{ secret: undefined, createdAtMs: 0, ...fields },
  };
}

export const TSIG_SECRET = new Sensitive('c2VjcmV0IG9mIGEgdGVzdCBrZXksIDMyIGJ5dGVzIGxvbmc=');
