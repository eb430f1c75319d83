import { run, runOk } from '../../../shared/kit/exec.ts';
import { freeSubnet } from '../free-subnet.ts';

/** A switch with the host at one port. Servers reach only each other and the host. */
export class ServerNetwork {
  readonly bridge: string;
  /** Address of the host, where servers find a controller. */
  readonly hostAddress: string;
  readonly #prefix: string;

  constructor(bridge: string) {
    this.bridge = bridge;
    this.#prefix = freeSubnet().split('.').slice(0, 3).join('.');
    this.hostAddress = this.address(1);
  }

  address(number: number): string {
    return `${this.#prefix}.${String(number)}`;
  }

  async create(): Promise<void> {
    const lines = [
      `link add ${this.bridge} type bridge forward_delay 0`,
      `addr add ${this.hostAddress}/24 dev ${this.bridge}`,
    ];
    await runOk(run, { file: 'ip', args: ['-batch', '-'], stdin: `${lines.join('\n')}\nlink set ${this.bridge} up\n` });
    await runOk(run, { file: 'nft', args: ['-f', '-'], stdin: rules(this.bridge) });
  }

  /** Drops all frames of this port. Neither side gets an error. */
  async cut(port: string): Promise<void> {
    await runOk(run, { file: 'nft', args: ['add', 'element', 'bridge', this.bridge, 'cut', `{ "${port}" }`] });
  }

  async mend(port: string): Promise<void> {
    await run({ file: 'nft', args: ['delete', 'element', 'bridge', this.bridge, 'cut', `{ "${port}" }`] });
  }

  /** Drops all frames between these two ports. Both reach all others. */
  async cutBetween(a: string, b: string): Promise<void> {
    const pairs = `{ "${a}" . "${b}", "${b}" . "${a}" }`;
    await runOk(run, { file: 'nft', args: ['add', 'element', 'bridge', this.bridge, 'between', pairs] });
  }

  /** Undoes every {@link cutBetween}. */
  async mendBetween(): Promise<void> {
    await runOk(run, { file: 'nft', args: ['flush', 'set', 'bridge', this.bridge, 'between'] });
  }

  async remove(): Promise<void> {
    await removeNetwork(this.bridge);
  }
}

export async function removeNetwork(bridge: string): Promise<void> {
  for (const family of ['bridge', 'inet']) await run({ file: 'nft', args: ['delete', 'table', family, bridge] });
  await run({ file: 'ip', args: ['link', 'del', bridge] });
}

function rules(bridge: string): string {
  return `table bridge ${bridge} {
  set cut { type ifname; }
  set between { type ifname . ifname; }
  chain arriving { type filter hook prerouting priority 0; policy accept; iifname @cut drop; }
  chain leaving { type filter hook postrouting priority 0; policy accept; oifname @cut drop; }
  chain through { type filter hook forward priority 0; policy accept; iifname . oifname @between drop; }
}
table inet ${bridge} {
  chain beyond { type filter hook forward priority -20; policy accept; iifname "${bridge}" oifname != "${bridge}" drop; }
}
`;
}
