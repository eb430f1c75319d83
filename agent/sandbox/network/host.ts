import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { NO_EGRESS, type EgressTable } from '../../../shared/domain/egress.ts';
import { runOk, type Run } from '../../../shared/kit/exec.ts';
import { SerialQueue } from '../../../shared/kit/serial-queue.ts';
import { parseCidr, addressAt, type SandboxConfig } from '../config.ts';
import { overlappingBridge, subnetTaken } from './overlap.ts';
import { bridgeBatch, gatewayAddress, type NetworkNames } from './plan.ts';
import { planOpenings, type Openings } from './openings.ts';
import { FLOWS_MAX, flowsOfOne, lastingRules, nftOpenings, nftRules, type RuleInput } from './rules.ts';

/** The shared network of all sandboxes: bridge, nft table, forwarding. */
export class HostNetwork {
  readonly names: NetworkNames;
  readonly #config: SandboxConfig;
  readonly #run: Run;
  #applied: { readonly input: RuleInput; readonly rules: string; readonly listing: string } | undefined;
  #egress: EgressTable = NO_EGRESS;
  /** By address. */
  readonly #tenants = new Map<string, { readonly id: string; readonly uidBase: number }>();
  #nameservers: readonly string[] = [];
  #flowsMax = FLOWS_MAX;
  /** Updates run one after the other, because each depends on the result of the one before. */
  readonly #updates = new SerialQueue();

  constructor(config: SandboxConfig, run: Run) {
    this.#config = config;
    this.#run = run;
    this.names = { bridge: config.bridge, subnet: parseCidr(config.subnet) };
  }

  /**
   * Repairs what differs. If nothing differs, it costs one `nft list` and a few reads.
   * @throws SLIP_AGENT_SUBNET_TAKEN when the bridge must be made, and another agent of this machine has an overlapping network
   */
  async ensure(nameservers: readonly string[]): Promise<void> {
    await this.#ensureBridge();
    this.#nameservers = nameservers;
    this.#flowsMax = flowsOfOne(await flowTableSize(), this.#tenants.size);
    await this.#updates.add(() => this.#ensureRules());
    await ensureForwarding();
    await this.#ensureForwardPolicy();
  }

  /** Sets another table. It applies to new connections, also of running sandboxes. Before the first `ensure` it is only stored. */
  setEgress(table: EgressTable): Promise<void> {
    this.#egress = table;
    return this.#updates.add(() => this.#update());
  }

  /** Registers the running sandboxes of an earlier agent. */
  adopt(tenants: readonly { readonly id: string; readonly address: string; readonly uidBase: number }[]): void {
    for (const { id, address, uidBase } of tenants) this.#tenants.set(address, { id, uidBase });
  }

  /** Opens the allowed networks of its app for this sandbox. Call it before its first process starts. */
  async admit(id: string, address: string, uidBase: number): Promise<void> {
    this.#tenants.set(address, { id, uidBase });
    await this.#updates.add(() => this.#update());
  }

  /** The sandbox was removed. Call it before its address is used again. The next `admit` or `ensure` corrects a failure. */
  async dismiss(id: string): Promise<void> {
    for (const [address, tenant] of this.#tenants) if (tenant.id === id) this.#tenants.delete(address);
    await this.#updates.add(() => this.#update()).catch(() => undefined);
  }

  async remove(): Promise<void> {
    this.#applied = undefined;
    const { bridge } = this.names;
    for (const link of [`${bridge}-p0`, bridge]) await this.#run({ file: 'ip', args: ['link', 'del', link] });
    await this.#run({ file: 'nft', args: ['delete', 'table', 'inet', this.#config.name] });
    for (const rule of this.#forwardRules())
      await this.#run({ file: 'iptables', args: ['-D', ...rule] }).catch(() => undefined);
  }

  async #ensureBridge(): Promise<void> {
    const { bridge } = this.names;
    const gateway = gatewayAddress(this.names.subnet);
    const hasAddress = networkInterfaces()[bridge]?.some((entry) => entry.address === gateway) === true;
    const port = `/sys/class/net/${bridge}/brif/${bridge}-p0`;
    if (hasAddress && existsSync(port)) return;
    const other = hasAddress ? undefined : overlappingBridge(this.names, networkInterfaces(), isAgentBridge);
    if (other !== undefined) throw subnetTaken(this.names.subnet, other);
    for (const link of [`${bridge}-p0`, ...(hasAddress ? [] : [bridge])]) {
      if (existsSync(`/sys/class/net/${link}`)) await this.#run({ file: 'ip', args: ['link', 'del', link] });
    }
    const lines = hasAddress ? bridgeBatch(this.names).slice(2, 6) : bridgeBatch(this.names);
    await runOk(this.#run, { file: 'ip', args: ['-batch', '-'], stdin: `${lines.join('\n')}\n` });
  }

  async #ensureRules(): Promise<void> {
    const input = this.#ruleInput();
    if (this.#applied?.rules === nftRules(input) && (await this.#listing()) === this.#applied.listing) return;
    await this.#load(nftRules(input), input);
  }

  /** Changes the sets of the table in place. If another program removed the table, it is loaded completely. */
  async #update(): Promise<void> {
    if (this.#applied === undefined) return;
    const input = { ...this.#applied.input, openings: this.#openings() };
    if (nftRules(input) === this.#applied.rules) return;
    await this.#load(nftOpenings(input), input).catch(() => this.#load(nftRules(input), input));
  }

  async #load(script: string, input: RuleInput): Promise<void> {
    await runOk(this.#run, { file: 'nft', args: ['-f', '-'], stdin: script });
    this.#applied = { input, rules: nftRules(input), listing: await this.#listing() };
  }

  async #listing(): Promise<string> {
    return lastingRules(
      (await this.#run({ file: 'nft', args: ['--stateless', 'list', 'table', 'inet', this.#config.name] })).stdout,
    );
  }

  #ruleInput(): RuleInput {
    const { name, bridge, subnet, egressAllow, meshPort } = this.#config;
    const connected = connectedNetworks(bridge);
    const openings = this.#openings();
    return {
      table: name,
      bridge,
      subnet,
      egressAllow,
      nameservers: this.#nameservers,
      connected,
      openings,
      meshPort,
      flowsMax: this.#flowsMax,
    };
  }

  #openings(): Openings {
    return planOpenings(this.#egress, new Map([...this.#tenants].map(([address, { uidBase }]) => [address, uidBase])));
  }

  /** Docker and ufw set the policy of the iptables chain FORWARD to DROP. An accept in our own table does not override it. */
  async #ensureForwardPolicy(): Promise<void> {
    const listed = await this.#run({ file: 'iptables', args: ['-S', 'FORWARD', '1'] }).catch(() => undefined); // iptables is not installed
    if (listed?.code !== 0) return;
    const policy = await this.#run({ file: 'iptables', args: ['-S', 'FORWARD'] });
    if (!policy.stdout.startsWith('-P FORWARD DROP')) return;
    for (const rule of this.#forwardRules()) {
      if ((await this.#run({ file: 'iptables', args: ['-C', ...rule] })).code !== 0)
        await runOk(this.#run, { file: 'iptables', args: ['-I', ...rule] });
    }
  }

  #forwardRules(): string[][] {
    const { bridge } = this.names;
    return [
      ['FORWARD', '-i', bridge, '-j', 'ACCEPT'],
      ['FORWARD', '-o', bridge, '-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED', '-j', 'ACCEPT'],
    ];
  }
}

/** IPv4 networks of the interfaces of this machine, without the bridge. Sorted, so that equal networks give equal rules. */
export function connectedNetworks(bridge: string, interfaces = networkInterfaces()): string[] {
  const networks = Object.entries(interfaces).flatMap(([name, entries]) =>
    name === bridge ? [] : (entries ?? []).filter((entry) => entry.family === 'IPv4').map((entry) => entry.cidr),
  );
  const bases = networks.filter((cidr) => cidr !== null).map((cidr) => ({ ...parseCidr(cidr) }));
  return [...new Set(bases.map((cidr) => `${addressAt(cidr, 0)}/${String(cidr.prefix)}`))].sort();
}

/** The bridge of an agent has a port that is named after it. */
function isAgentBridge(name: string): boolean {
  return existsSync(`/sys/class/net/${name}/brif/${name}-p0`);
}

/** The kernel's default on a machine with much memory, until the module is loaded. */
const DEFAULT_FLOW_TABLE_SIZE = 262_144;

async function flowTableSize(): Promise<number> {
  const found = Number(await readFile('/proc/sys/net/netfilter/nf_conntrack_max', 'utf8').catch(() => '0'));
  return found > 0 ? found : DEFAULT_FLOW_TABLE_SIZE;
}

async function ensureForwarding(): Promise<void> {
  const path = '/proc/sys/net/ipv4/ip_forward';
  if ((await readFile(path, 'utf8')).trim() !== '1') await writeFile(path, '1');
}
