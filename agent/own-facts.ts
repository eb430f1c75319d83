import { haproxyVersion, meshAddress } from './compose-proxy.ts';
import type { AgentConfig } from './config.ts';
import { probeSandbox } from './sandbox/probe.ts';
import { findMissing, type OwnFacts } from './session/facts.ts';
import type { NodeIdentity } from './session/node-files.ts';

const PROGRAM_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const WISHES = [
  { program: 'haproxy', words: 'haproxy is missing: apps get no traffic; install it with: apt-get install haproxy' },
  { program: 'mksquashfs', words: 'mksquashfs is missing: nothing can be built here; install it with: apt-get install squashfs-tools' },
];

/** What this machine lacks now, in words: packages come and go while the agent runs. */
export async function missingHere({ sandbox }: Pick<AgentConfig, 'sandbox'>): Promise<readonly string[]> {
  return [...(await findMissing(WISHES, PROGRAM_FOLDERS)), ...(await probeSandbox(sandbox))];
}

/** What this agent tells of its own parts. */
export async function ownFacts(
  config: AgentConfig,
  own: { readonly version: string; readonly sandboxDriver: string; readonly identity: NodeIdentity },
): Promise<OwnFacts> {
  return {
    agentVersion: own.version,
    sandboxDriver: own.sandboxDriver,
    stacks: ['host'],
    proxyVersion: await haproxyVersion(),
    missing: await missingHere(config),
    builder: config.builder,
    httpAddress: `${config.proxy.address === '*' ? '0.0.0.0' : config.proxy.address}:${String(config.proxy.port)}`,
    meshAddress: await meshAddress(config, own.identity),
    sandboxSubnet: config.sandbox === 'process' ? '' : config.network.subnet,
  };
}
