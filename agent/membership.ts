import { ensureDir } from '../shared/kit/atomic-file.ts';
import { SlipwayError } from '../shared/kit/errors.ts';
import type { Failpoint } from '../shared/kit/failpoint.ts';
import type { AgentConfig } from './config.ts';
import { notJoined, readIdentity } from './session/node-files.ts';

export interface MembershipFlags {
  readonly url?: string | undefined;
  readonly pin?: string | undefined;
  readonly name?: string | undefined;
}

// Commands that run once or every few weeks. They load the certificate library late, because it would stay in the memory of every running agent.

/** Makes this machine a node. @returns the output of the command */
export async function joinFleet(config: AgentConfig, { url, pin, name }: MembershipFlags): Promise<string> {
  if (url === undefined || pin === undefined || name === undefined) throw usage('join needs --url, --pin and --name.');
  await ensureDir(config.stateDir, 0o711);
  const { join } = await import('./session/join.ts');
  const joined = await join({ url, token: await readToken(), caPin: pin, name, stateDir: config.stateDir });
  return `${joined.already ? 'This machine has already joined' : 'Joined'} as ${joined.identity.nodeName}.\n`;
}

/** Gives this machine a new certificate for a known node of the fleet. @returns the output of the command */
export async function rejoinFleet(config: AgentConfig, { url, pin }: MembershipFlags): Promise<string> {
  if (url === undefined || pin === undefined) throw usage('rejoin needs --url and --pin.');
  await ensureDir(config.stateDir, 0o711);
  const { rejoin } = await import('./session/join.ts');
  const identity = await rejoin({ url, token: await readToken(), caPin: pin, stateDir: config.stateDir });
  return `Rejoined as ${identity.nodeName}. A running agent connects within seconds.\n`;
}

/** Renews the certificate. A running agent starts this command itself; see keep-certificate.ts. */
export async function renewNow(config: AgentConfig, failpoint: Failpoint): Promise<string> {
  const identity = await readIdentity(config.stateDir);
  if (identity === undefined) throw notJoined();
  const { renewCertificate } = await import('./session/renew.ts');
  await renewCertificate({ apiUrl: identity.apiUrl, stateDir: config.stateDir }, failpoint);
  return 'The certificate was renewed.\n';
}

/** The token is never an argument: arguments are visible in ps and in the history of the shell. */
async function readToken(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8').trim();
}

function usage(message: string): SlipwayError {
  return new SlipwayError({ code: 'SLIP_USAGE', message, hint: 'See: node agent/main.ts --help' });
}
