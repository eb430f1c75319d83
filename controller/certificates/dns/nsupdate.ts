import type { Run } from '../../../shared/kit/exec.ts';
import type { DnsProvider } from '../../domain/dns-providers.ts';
import type { DnsDriver } from './port.ts';
import { providerFailed } from './provider-failed.ts';

const TIMEOUT_MS = 60_000;
/** Seconds that resolvers may keep the record. */
const TTL_S = 60;
/** What nsupdate says about the answer of a server (RFC 2136, 2.2; RFC 8945, 3). */
const REPLY = /update failed: ([A-Z]{1,20})|(?:TSIG error with server|; )[^\n]{0,40}?(BADKEY|BADSIG|BADTIME)/;

/** Dynamic updates of a name server (RFC 2136), signed with TSIG, by the program `nsupdate`. It reads its commands from stdin. */
export function createNsupdate(provider: DnsProvider, { run, signal }: { run: Run; signal: AbortSignal }): DnsDriver {
  const change = async (command: string): Promise<void> => {
    const args = ['-t', '20', '-v'];
    const options = { timeoutMs: TIMEOUT_MS, signal, maxOutputBytes: 64 * 1024 };
    const result = await run({ file: 'nsupdate', args, stdin: scriptOf(provider, command), ...options }).catch(
      (cause: unknown) => {
        throw providerFailed(provider.name, 'nsupdate did not run to its end; install bind9-dnsutils', cause);
      },
    );
    if (result.code !== 0) throw providerFailed(provider.name, sayFailure(result.stderr, provider));
  };
  return {
    present: (name, value) => change(`update add ${name}. ${String(TTL_S)} IN TXT "${value}"`),
    cleanup: (name, value) => change(`update delete ${name}. IN TXT "${value}"`),
  };
}

/** Every part was checked when the provider was added, so no part has a space or a line break. */
function scriptOf({ settings, secret, recordZone }: DnsProvider, command: string): string {
  const { host = '', port = '53', keyName = '', algorithm = '' } = settings;
  const key = `key ${algorithm}:${keyName} ${secret?.reveal() ?? ''}`;
  return [`server ${host} ${port}`, key, `zone ${recordZone}.`, command, 'send', ''].join('\n');
}

/** Only known words, because the output could repeat a part of the script. */
function sayFailure(stderr: string, { settings }: DnsProvider): string {
  const [, reply, tsig] = REPLY.exec(stderr) ?? [];
  const word = reply ?? tsig;
  const server = `the name server ${settings['host'] ?? ''}`;
  return word === undefined ? `nsupdate got no answer from ${server}` : `${server} refused the update (${word})`;
}
