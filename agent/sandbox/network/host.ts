import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { runOk, type Run } from '../../../shared/kit/exec.ts';
import { parseCidr, addressAt, type SandboxConfig } from '../config.ts';
import { bridgeBatch, gatewayAddress, type NetworkNames } from './plan.ts';
import { lastingRules, nftRules, type RuleInput } from './rules.ts';

/** What all sandboxes share of the network: bridge, nft table, forwarding. */
export class HostNetwork {
  readonly names: NetworkNames;
  readonly #config: SandboxConfig;
  readonly #run: Run;
  #applied: { rules: string; listing: string } | undefined;

  constructor(config: SandboxConfig, run: Run) {
    this.#config = config;
    this.#run = run;
    this.names = { bridge: config.bridge, subnet: parseCidr(config.subnet) };
  }

  /** Puts right what differs; when nothing does, the cost is one `nft list` and a few reads. */
  async ensure(nameservers: readonly string[]): Promise<void> {
    await this.#ensureBridge();
    await this.#ensureRules(nameservers);
    await ensureForwarding();
    await this.#ensureForwardPolicy();
  }

  async remove(): Promise<void> {
    this.#applied = undefined;
    const { bridge } = this.names;
    for (const link of [`${bridge}-p0`, bridge]) await this.#run({ file: 'ip', args: ['link', 'del', link] });
    await this.#run({ file: 'nft', args: ['delete', 'table', 'inet', this.#config.name] });
    for (const rule of this.#forwardRules()) await this.#run({ file: 'iptables', args: ['-D', ...rule] }).catch(() => undefined);
  }

  async #ensureBridge(): Promise<void> {
    const { bridge } = this.names;
    const gateway = gatewayAddress(this.names.subnet);
    const hasAddress = networkInterfaces()[bridge]?.some((entry) => entry.address === gateway) === true;
    const port = `/sys/class/net/${bridge}/brif/${bridge}-p0`;
    if (hasAddress && existsSync(port)) return;
    for (const link of [`${bridge}-p0`, ...(hasAddress ? [] : [bridge])]) {
      if (existsSync(`/sys/class/net/${link}`)) await this.#run({ file: 'ip', args: ['link', 'del', link] });
    }
    const lines = hasAddress ? bridgeBatch(this.names).slice(2, 6) : bridgeBatch(this.names);
    await runOk(this.#run, { file: 'ip', args: ['-batch', '-'], stdin: `${lines.join('\n')}\n` });
  }

  async #ensureRules(nameservers: readonly string[]): Promise<void> {
    const rules = nftRules(this.#ruleInput(nameservers));
    const list = { file: 'nft', args: ['--stateless', 'list', 'table', 'inet', this.#config.name] };
    if (this.#applied?.rules === rules && lastingRules((await this.#run(list)).stdout) === this.#applied.listing) return;
    await runOk(this.#run, { file: 'nft', args: ['-f', '-'], stdin: rules });
    this.#applied = { rules, listing: lastingRules((await runOk(this.#run, list)).stdout) };
  }

  #ruleInput(nameservers: readonly string[]): RuleInput {
    const { name, bridge, subnet, egressAllow } = this.#config;
    return { table: name, bridge, subnet, egressAllow, nameservers, connected: connectedNetworks(bridge) };
  }

  /** Docker and ufw make DROP the policy of iptables' FORWARD; an accept in a table of our own does not undo a drop in theirs. */
  async #ensureForwardPolicy(): Promise<void> {
    const listed = await this.#run({ file: 'iptables', args: ['-S', 'FORWARD', '1'] }).catch(() => undefined); // not installed: nobody set one
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

/** IPv4 networks of this machine's own interfaces, but the bridge's. Sorted, so that equal networks give equal rules. */
export function connectedNetworks(bridge: string, interfaces = networkInterfaces()): string[] {
  const networks = Object.entries(interfaces).flatMap(([name, entries]) =>
    name === bridge ? [] : (entries ?? []).filter((entry) => entry.family === 'IPv4').map((entry) => entry.cidr),
  );
  const bases = networks.filter((cidr) => cidr !== null).map((cidr) => ({ ...parseCidr(cidr) }));
  return [...new Set(bases.map((cidr) => `${addressAt(cidr, 0)}/${String(cidr.prefix)}`))].sort();
}

async function ensureForwarding(): Promise<void> {
  const path = '/proc/sys/net/ipv4/ip_forward';
  if ((await readFile(path, 'utf8')).trim() !== '1') await writeFile(path, '1');
}
