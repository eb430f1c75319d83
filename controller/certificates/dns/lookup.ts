import { Resolver } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import { isRecordName } from '../../../shared/domain/dns-provider.ts';
import { DnsFailure, orNone } from '../preflight/resolver.ts';

/** Asks the DNS about TXT records of challenges. */
export interface ChallengeLookup {
  /** The name that has the records, after all aliases. @throws DnsFailure */
  follow(name: string): Promise<string>;
  /**
   * The servers that answer without this value. Empty: all that answer have it. If no authoritative server can be reached, the resolvers of the
   * machine decide. @throws DnsFailure when nobody answers
   */
  serversWithout(name: string, value: string): Promise<readonly string[]>;
}

interface LookupOptions {
  /** `address:port` of resolvers. Undefined: those of the machine. */
  readonly servers?: readonly string[] | undefined;
  /** Of authoritative servers. Tests have another one than 53. */
  readonly port?: number | undefined;
  /** Ends every question. */
  readonly signal: AbortSignal;
}

const LIMITS = { timeout: 5_000, tries: 2 };
const ALIASES_MAX = 8;
const SERVERS_MAX = 16;

export function createChallengeLookup({ servers, port = 53, signal }: LookupOptions): ChallengeLookup {
  const resolver = new Resolver(LIMITS);
  if (servers !== undefined) resolver.setServers([...servers]);
  signal.addEventListener('abort', () => resolver.cancel(), { once: true });
  return {
    follow: (name) => follow(resolver, name),
    serversWithout: async (name, value) => {
      const addresses = await authoritative(resolver, name);
      const answers = await Promise.all(
        addresses.map(async (address) => ({ address, values: await askServer({ address, port, signal }, name) })),
      );
      const known = answers.filter(({ values }) => values !== undefined);
      if (known.length === 0) return (await valuesOf(resolver, name)).includes(value) ? [] : ['the resolvers'];
      return known.flatMap(({ address, values }) => (values?.includes(value) === true ? [] : [address]));
    },
  };
}

async function follow(resolver: Resolver, name: string): Promise<string> {
  let at = name;
  for (let alias = 0; alias <= ALIASES_MAX; alias += 1) {
    const [next] = await orNone(resolver.resolveCname(at));
    if (next === undefined) return at;
    at = next.toLowerCase().replace(/\.$/, '');
    if (!isRecordName(at)) throw new DnsFailure('an alias with a strange name', undefined);
  }
  throw new DnsFailure('too many aliases', undefined);
}

/** The addresses of the name servers of the zone that has this name. */
async function authoritative(resolver: Resolver, name: string): Promise<readonly string[]> {
  const labels = name.split('.');
  for (const at of labels.keys()) {
    const servers = await orNone(resolver.resolveNs(labels.slice(at).join('.'))).catch(() => []);
    if (servers.length === 0) continue;
    const addresses = await Promise.all(
      servers
        .slice(0, SERVERS_MAX)
        .map(async (server) => [
          ...(await orNone(resolver.resolve4(server)).catch(() => [])),
          ...(await orNone(resolver.resolve6(server)).catch(() => [])),
        ]),
    );
    return addresses.flat().slice(0, SERVERS_MAX);
  }
  return [];
}

/** Undefined: this server gives no answer, so the CA gets none from it either. */
async function askServer(
  { address, port, signal }: { readonly address: string; readonly port: number; readonly signal: AbortSignal },
  name: string,
): Promise<readonly string[] | undefined> {
  const resolver = new Resolver(LIMITS);
  resolver.setServers([isIPv6(address) ? `[${address}]:${String(port)}` : `${address}:${String(port)}`]);
  const cancel = (): void => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return await valuesOf(resolver, name);
  } catch (error) {
    if (error instanceof DnsFailure) return undefined;
    throw error;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

async function valuesOf(resolver: Resolver, name: string): Promise<readonly string[]> {
  return (await orNone(resolver.resolveTxt(name))).map((parts) => parts.join(''));
}
