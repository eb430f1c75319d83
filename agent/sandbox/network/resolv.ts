import { readFile } from 'node:fs/promises';

/** IPv4 name servers of a resolv.conf; sandboxes speak IPv4 to the world. Pure. */
export function nameserversOf(resolvConf: string): string[] {
  return resolvConf
    .split('\n')
    .map((line) => /^\s*nameserver\s+(\d{1,3}(?:\.\d{1,3}){3})\s*$/.exec(line)?.[1])
    .filter((address) => address !== undefined);
}

/**
 * This machine's name servers as a sandbox can reach them. A local stub (127.0.0.53) is no use in there:
 * systemd-resolved and NetworkManager keep the real ones in files of their own.
 */
export async function hostNameservers(): Promise<string[]> {
  for (const path of [
    '/etc/resolv.conf',
    '/run/systemd/resolve/resolv.conf',
    '/run/NetworkManager/no-stub-resolv.conf',
  ]) {
    const servers = nameserversOf(await readFile(path, 'utf8').catch(() => '')).filter(
      (address) => !address.startsWith('127.'),
    );
    if (servers.length > 0) return servers.slice(0, 3);
  }
  return [];
}
