import { parseArgs } from 'node:util';
import { ensureDir } from '../shared/kit/atomic-file.ts';
import { systemClock } from '../shared/kit/clock.ts';
import { SlipwayError } from '../shared/kit/errors.ts';
import { run } from '../shared/kit/exec.ts';
import { createFailpoint } from '../shared/kit/failpoint.ts';
import { runProgram, untilStopped } from '../shared/kit/program.ts';
import { createLogger } from '../shared/kit/log.ts';
import { composeAgent, composeDrivers, type Basics } from './compose.ts';
import { readAgentConfig, type AgentConfig } from './config.ts';
import { undoShared } from './images/mount-commands.ts';

const USAGE = `Usage:
  node agent/main.ts run    --config FILE
  node agent/main.ts join   --config FILE --url URL --pin sha256:HEX --name NAME   (the token comes on standard input)
  node agent/main.ts remove --config FILE

run runs the agent. join makes this machine a node, once. remove stops the proxy and every sandbox and takes them off
the machine; images and logs stay. Example:
  slipway nodes:token --quiet | node agent/main.ts join --config /etc/slipway/agent.json --url https://10.0.0.1:7400 --pin sha256:… --name fra-1
`;

function basicsOf(config: AgentConfig): Basics {
  return {
    config,
    clock: systemClock,
    log: createLogger('agent', config.logLevel),
    failpoint: createFailpoint(process.env),
    env: process.env,
  };
}

async function runAgent(config: AgentConfig): Promise<void> {
  await ensureDir(config.stateDir, 0o711);
  const basics = basicsOf(config);
  const agent = composeAgent(basics, await composeDrivers(basics));
  await agent.start();
  basics.log.info({ sandbox: config.sandbox }, 'agent.ready');
  process.send?.({ ready: true });
  await untilStopped();
  await agent.stop();
}

async function removeAll(config: AgentConfig): Promise<void> {
  const drivers = await composeDrivers(basicsOf(config));
  await drivers.proxy.stop();
  await drivers.sandbox.removeHost();
  await drivers.images.collectGarbage(new Set(), new Set());
  await undoShared(run, config.stateDir);
}

async function joinFleet(
  config: AgentConfig,
  flags: { url?: string | undefined; pin?: string | undefined; name?: string | undefined },
): Promise<void> {
  const { url, pin, name } = flags;
  if (url === undefined || pin === undefined || name === undefined) {
    throw new SlipwayError({ code: 'SLIP_USAGE', message: 'join needs --url, --pin and --name.', hint: 'See: node agent/main.ts --help' });
  }
  await ensureDir(config.stateDir, 0o711);
  // Loaded only here: the certificate library would stay in the memory of every running agent.
  const { join } = await import('./session/join.ts');
  const joined = await join({ url, token: await readToken(), caPin: pin, name, stateDir: config.stateDir });
  process.stdout.write(`${joined.already ? 'Has joined already' : 'Joined'} as ${joined.identity.nodeName}.\n`);
}

/** Never an argument: arguments show in ps and in the shell's history. */
async function readToken(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8').trim();
}

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
  if (values.help === true || values.config === undefined || !['run', 'join', 'remove'].includes(command)) {
    process.stdout.write(USAGE);
    process.exitCode = values.help === true ? 0 : 2;
    return;
  }
  const config = await readAgentConfig(values.config);
  if (command === 'join') await joinFleet(config, values);
  else if (command === 'remove') await removeAll(config);
  else await runAgent(config);
}

runProgram('agent', main);
