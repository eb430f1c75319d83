import { parseArgs } from 'node:util';
import { ensureDir } from '../shared/kit/atomic-file.ts';
import { machineFacts, type MachineFacts } from '../shared/domain/node-facts.ts';
import { systemClock } from '../shared/kit/clock.ts';
import { DEFAULT_ENV, run, runOk } from '../shared/kit/exec.ts';
import { createFailpoint } from '../shared/kit/failpoint.ts';
import { runProgram, untilStopped } from '../shared/kit/program.ts';
import { createLogger } from '../shared/kit/log.ts';
import { composeAgent, type Agent } from './compose.ts';
import { composeDrivers, type Basics } from './compose-drivers.ts';
import { readAgentConfig, type AgentConfig } from './config.ts';
import { lockMachine, ownedThings } from './host/machine-lock.ts';
import { joinFleet, rejoinFleet, renewNow, type MembershipFlags } from './membership.ts';
import { undoShared } from './images/mount-commands.ts';
import { reportStartFailure } from './session/report-start-failure.ts';

const USAGE = `Usage:
  node agent/main.ts run     --config FILE
  node agent/main.ts join    --config FILE --url URL --pin sha256:HEX --name NAME   (the token comes on standard input)
  node agent/main.ts rejoin  --config FILE --url URL --pin sha256:HEX               (the token comes on standard input)
  node agent/main.ts renew   --config FILE
  node agent/main.ts remove  --config FILE
  node agent/main.ts machine --config FILE

run runs the agent. join makes this machine a node. rejoin gives it a new certificate when its own is lost, expired or
revoked (slipway nodes:rejoin NODE). renew requests the next certificate now; a running agent does this itself. remove
stops and removes the proxy and every sandbox; images and logs stay. machine prints the hardware facts of this machine
as JSON. Example:
  slipway nodes:token --quiet | node agent/main.ts join --config /etc/slipway/agent.json --url https://10.0.0.1:7400 --pin sha256:… --name fra-1
`;

const RENEW_TIMEOUT_MS = 120_000;
const MACHINE_TIMEOUT_MS = 30_000;

function basicsOf(config: AgentConfig, configPath = ''): Basics {
  return {
    config,
    clock: systemClock,
    log: createLogger('agent', config.logLevel),
    failpoint: createFailpoint(process.env),
    env: process.env,
    renewCertificate: () => renewInChild(configPath),
    readMachine: (signal) => readMachineInChild(configPath, signal),
  };
}

async function runAgent(config: AgentConfig, configPath: string): Promise<void> {
  await ensureDir(config.stateDir, 0o711);
  const basics = basicsOf(config, configPath);
  const agent = await startAgent(basics).catch(async (error: unknown) => {
    await reportStartFailure(config.stateDir, error);
    throw error;
  });
  basics.log.info({ sandbox: config.sandbox }, 'agent.ready');
  process.send?.({ ready: true });
  await untilStopped();
  await agent.stop();
}

async function startAgent(basics: Basics): Promise<Agent> {
  await lockMachine(ownedThings(basics.config));
  const agent = composeAgent(basics, await composeDrivers(basics));
  await agent.start();
  return agent;
}

async function removeAll(config: AgentConfig): Promise<void> {
  const release = await lockMachine(ownedThings(config));
  const drivers = await composeDrivers(basicsOf(config));
  await drivers.proxy.stop();
  await drivers.sandbox.removeHost();
  await drivers.images.collectGarbage(new Set(), new Set());
  release(); // an open file would keep the mount of the state folder in use
  await undoShared(run, config.stateDir);
}

/** Renews in a process of its own, so that the certificate library does not stay in the memory of the agent. */
async function renewInChild(configPath: string): Promise<void> {
  const args = [import.meta.filename, 'renew', '--config', configPath];
  const failpoints = Object.entries(process.env).filter(([name]) => name.startsWith('SLIPWAY_FAILPOINT'));
  const env = { ...DEFAULT_ENV, ...(Object.fromEntries(failpoints) as Record<string, string>) };
  await runOk(run, { file: process.execPath, args, env, timeoutMs: RENEW_TIMEOUT_MS });
}

/** In a process of its own: the library is large, starts programs, and a machine can make one of them hang. */
async function readMachineInChild(configPath: string, signal: AbortSignal): Promise<MachineFacts> {
  const args = [import.meta.filename, 'machine', '--config', configPath];
  const niced = ['-n', '19', process.execPath, ...args]; // apps and pushes come first
  const { stdout } = await runOk(run, { file: 'nice', args: niced, timeoutMs: MACHINE_TIMEOUT_MS, signal });
  return machineFacts.parse(JSON.parse(stdout));
}

async function printMachine({ network }: AgentConfig): Promise<void> {
  const { readMachine } = await import('./host/read-machine.ts');
  process.stdout.write(`${JSON.stringify(await readMachine(network.bridge))}\n`);
}

type Values = MembershipFlags & { readonly config?: string | undefined };

const print = (text: string): void => void process.stdout.write(text);
const COMMANDS: Readonly<Record<string, (config: AgentConfig, values: Values) => Promise<void>>> = {
  run: (config, values) => runAgent(config, values.config ?? ''),
  join: async (config, values) => print(await joinFleet(config, values)),
  rejoin: async (config, values) => print(await rejoinFleet(config, values)),
  renew: async (config) => print(await renewNow(config, createFailpoint(process.env))),
  remove: (config) => removeAll(config),
  machine: (config) => printMachine(config),
};

async function main(argv: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      url: { type: 'string' },
      pin: { type: 'string' },
      name: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const command = positionals[0] ?? 'run';
  if (values.help === true || values.config === undefined || !(command in COMMANDS)) {
    process.stdout.write(USAGE);
    process.exitCode = values.help === true ? 0 : 2;
    return;
  }
  const config = await readAgentConfig(values.config);
  await COMMANDS[command]?.(config, values);
}

runProgram('agent', main);
