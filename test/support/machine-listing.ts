import type { Server } from './servers/server.ts';

/** Files that change without the installer, or that only record an action. */
const PASSING =
  '/var/log /var/lib/dpkg /var/lib/apt /var/cache/apt /var/cache/debconf /var/cache/ldconfig /var/lib/systemd /tmp /var/tmp'.split(
    ' ',
  );

const LIST = `
find / -xdev \\( ${PASSING.map((path) => `-path ${path}`).join(' -o ')} \\) -prune -o ! -type d -printf 'file %p %y %m %u:%g %s %T@ %l\\n' -o -printf 'folder %p %m %u:%g\\n'
find /run -mindepth 1 -maxdepth 2 ! -path '/run/systemd/*' ! -path '/run/udev/*' -printf 'run %p\\n'
systemctl list-unit-files --no-legend | sed 's/^/unit file /'
systemctl list-units --all --plain --no-legend 'slipway*' 'haproxy*' 'lxc*' | sed 's/^/unit /'
dpkg-query -W -f 'package \${db:Status-Abbrev} \${Package} \${Version}\\n'
getent passwd | sed 's/^/user /'
getent group | sed 's/^/group /'
nft list ruleset | sed 's/^/nft /'
ip -o link | sed 's/^[0-9]*: \\([^:@]*\\).*/link \\1/'
findmnt -rno TARGET,FSTYPE | sed 's/^/mount /'
ls /run/netns 2>/dev/null | sed 's/^/netns /'
sysctl -e net.ipv4.ip_forward net.bridge.bridge-nf-call-iptables | sed 's/^/sysctl /'
ps -e -o args= | grep -E '[s]lipway|[h]aproxy|[s]6-' | sed 's/^/process /'
true`;

/** Everything of a machine that an installation could have changed: files, units, packages, users, rules, links, mounts, processes. */
export async function listMachine(server: Server): Promise<readonly string[]> {
  return (await server.sh(LIST)).split('\n');
}

/** Lines of one list that the other has not. */
export function differences(before: readonly string[], after: readonly string[]): readonly string[] {
  const [was, is] = [new Set(before), new Set(after)];
  return [
    ...before.filter((line) => !is.has(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !was.has(line)).map((line) => `+ ${line}`),
  ];
}
