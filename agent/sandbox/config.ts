import { join } from 'node:path';
import { SlipwayError } from '../../shared/kit/errors.ts';

/** A private network that apps may connect to. */
export interface EgressRule {
  /** IPv4 network, e.g. `10.0.5.0/24` or `10.0.5.9/32`. */
  readonly cidr: string;
  /** TCP and UDP port; every port when absent. */
  readonly port?: number | undefined;
}

/** Settings of the operator. Two agents on one machine need different names, bridges and subnets. */
export interface SandboxConfig {
  /** Absolute folder, owned by the agent, without white space. */
  readonly stateDir: string;
  /** Names the nft table, the cgroup and the systemd slice. */
  readonly name: string;
  /** At most 8 characters, because interface names have at most 15. */
  readonly bridge: string;
  /** IPv4 network of the sandboxes, e.g. `10.203.0.0/16`; its first address is this machine's. */
  readonly subnet: string;
  readonly egressAllow: readonly EgressRule[];
  /** Port of the proxy for requests from other nodes. Sandboxes can never reach it. Absent: there is no mesh. */
  readonly meshPort?: number | undefined;
  /** IPv4 name servers for the sandboxes; this machine's own when absent. */
  readonly nameservers?: readonly string[] | undefined;
  /** Ports of the `process` driver, outside of ip_local_port_range. */
  readonly processPorts: { readonly first: number; readonly last: number };
  /** Number of network namespaces and disks that are made in advance. */
  readonly poolSize: number;
  /** `auto`: systemd transient units if systemd runs this machine, else a detached parent process. */
  readonly supervisor: 'auto' | 'detached' | 'systemd';
}

export const DEFAULT_SANDBOX_CONFIG: Omit<SandboxConfig, 'stateDir'> = Object.freeze({
  name: 'slipway',
  bridge: 'slip0',
  subnet: '10.203.0.0/16',
  egressAllow: [],
  processPorts: Object.freeze({ first: 20_000, last: 29_999 }),
  poolSize: 2,
  supervisor: 'auto',
});

const NAME = /^[a-z][a-z0-9-]{0,30}$/;
const BRIDGE = /^[a-z][a-z0-9]{0,7}$/;
const STATE_DIR = /^\/[A-Za-z0-9._/+@-]*$/;

/** @throws SLIP_SANDBOX_CONFIG */
export function checkSandboxConfig(config: SandboxConfig): SandboxConfig {
  if (!STATE_DIR.test(config.stateDir))
    throw invalidSetting('state folder', config.stateDir, 'Use an absolute path of letters, digits and ._/+@- .');
  if (!NAME.test(config.name))
    throw invalidSetting('name', config.name, 'Use 1 to 31 lower-case letters, digits and dashes.');
  if (!BRIDGE.test(config.bridge))
    throw invalidSetting('bridge', config.bridge, 'Use 1 to 8 lower-case letters and digits.');
  parseCidr(config.subnet);
  for (const { cidr } of config.egressAllow) parseCidr(cidr.includes('/') ? cidr : `${cidr}/32`, 'egress rule');
  return config;
}

export interface Cidr {
  readonly base: number;
  readonly prefix: number;
}

/** @throws SLIP_SANDBOX_CONFIG */
export function parseCidr(text: string, field = 'network'): Cidr {
  const match = /^(\d{1,3}(?:\.\d{1,3}){3})\/(\d{1,2})$/.exec(text);
  const prefix = Number(match?.[2]);
  const octets = (match?.[1] ?? '').split('.').map(Number);
  if (match === null || prefix > 32 || octets.some((octet) => octet > 255)) {
    throw invalidSetting(field, text, 'Write an IPv4 network such as 10.203.0.0/16.');
  }
  const address = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  return { base: address - (address % 2 ** (32 - prefix)), prefix };
}

/** The address at `offset` from the start of a network. */
export function addressAt(cidr: Cidr, offset: number): string {
  const address = cidr.base + offset;
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

function invalidSetting(field: string, value: string, hint: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_SANDBOX_CONFIG',
    message: `The sandbox ${field} ${JSON.stringify(value)} is not usable.`,
    hint,
  });
}

/** Folder of the sandboxes inside the state of the agent. */
export function sandboxBase(stateDir: string): string {
  return join(stateDir, 'sandbox');
}

/** The paths of one sandbox. Pure. */
export interface InstanceLayout {
  readonly dir: string;
  readonly record: string;
  readonly disk: string;
  readonly diskImage: string;
  readonly upper: string;
  readonly work: string;
  readonly tmp: string;
  readonly app: string;
  readonly root: string;
  readonly secrets: string;
  /** Socket for a process inside that runs a command of a user. It exists only until that process has connected. */
  readonly attach: string;
  readonly hosts: string;
  /** Mount point of its pseudo-terminals. */
  readonly terminals: string;
  readonly run: string;
  readonly pidFile: string;
  readonly output: string;
  readonly exitFile: string;
  readonly log: string;
}

export function sandboxesDir(base: string): string {
  return join(base, 'sandboxes');
}

export function exitsDir(base: string): string {
  return join(base, 'exits');
}

export function logsDir(base: string): string {
  return join(base, 'logs');
}

export function instanceLayout(base: string, id: string): InstanceLayout {
  const dir = join(sandboxesDir(base), id);
  const run = join(dir, 'run');
  return {
    dir,
    record: join(dir, 'record.json'),
    disk: join(dir, 'disk'),
    diskImage: join(dir, 'disk.img'),
    upper: join(dir, 'disk', 'upper'),
    work: join(dir, 'disk', 'work'),
    tmp: join(dir, 'disk', 'tmp'),
    app: join(dir, 'app'),
    root: join(dir, 'root'),
    secrets: join(dir, 'secrets'),
    attach: join(dir, 'secrets', 'attach'),
    hosts: join(dir, 'hosts'),
    terminals: join(dir, 'terminals'),
    run,
    pidFile: join(run, 'pid'),
    output: join(run, 'output'),
    exitFile: join(exitsDir(base), id),
    log: join(logsDir(base), id),
  };
}
