import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyRequest } from '../agent/session/key-request.ts';
import { newSerial } from '../controller/access/ca/certificates.ts';
import { openFoundations } from '../controller/foundations.ts';
import { readControllerConfig } from '../controller/config.ts';
import { systemClock } from '../shared/kit/clock.ts';
import { DEFAULT_ENV, start } from '../shared/kit/exec.ts';
import { noFailpoint } from '../shared/kit/failpoint.ts';
import { silentLogger } from '../shared/kit/log.ts';
import { freePorts } from '../test/support/free-ports.ts';
import { addApp, addNode, addUser, assignment, newRelease } from '../test/support/store-fixtures.ts';

// Many simulated agents (the session client of the agent, mTLS, one certificate each) on one real controller:
// `node bench/fleet.ts [agents] [processes] [restarts]`. Prints a table and, as the last line, JSON. Needs no root. All figures
// except `agentsCpuMs` are about the controller. The agents share the machine with it and are often slower.

const AGENTS = Number(process.argv[2] ?? 1000);
const PROCESSES = Number(process.argv[3] ?? 2);
const STEADY_MS = 20_000;
const BROADCASTS = 9;
const RESTARTS = Number(process.argv[4] ?? 3);
const LIMIT_MS = 600_000;

type Child = ReturnType<typeof start>;
type Figures = Record<string, number>;

async function ask(controller: Child, what: string): Promise<Figures> {
  controller.send(what);
  const answer = once(controller, 'message', { signal: AbortSignal.timeout(LIMIT_MS) });
  return ((await answer) as [Figures])[0];
}

async function startController(configPath: string): Promise<Child> {
  const args = ['--max-semi-space-size=4', join(import.meta.dirname, 'fleet-controller.ts'), configPath];
  const env = { ...DEFAULT_ENV, NODE_COMPILE_CACHE: `${configPath}.code` }; // as in its unit
  const child = start({ file: process.execPath, args, env }, ['ignore', 'inherit', 'inherit', 'ipc']);
  await once(child, 'message');
  return child;
}

/** Creates nodes with certificates of the real CA and one instance each, and the files that a join writes. */
async function makeFleet(dir: string, configPath: string): Promise<readonly string[]> {
  const { store, authority } = await openFoundations({
    config: await readControllerConfig(configPath),
    clock: systemClock,
    log: silentLogger,
    failpoint: noFailpoint,
    env: {},
  });
  const app = await addApp(store, (await addUser(store)).id);
  const made = await store.createRelease(newRelease(app));
  await store.setFormation(app.id, { web: AGENTS });
  const { keyPem, csrPem } = await createKeyRequest('bench');
  const add = [];
  const stateDirs = [];
  for (let index = 0; index < AGENTS; index += 1) {
    const serial = newSerial();
    const node = await addNode(store, `node-${String(index)}`, serial);
    const { certificatePem } = await authority.issueNode({ csrPem, nodeId: node.id, serial });
    const stateDir = join(dir, 'agents', String(index));
    await mkdir(stateDir, { recursive: true });
    await writeFile(join(stateDir, 'node.pem'), `${keyPem}${certificatePem}`);
    await writeFile(join(stateDir, 'ca.crt'), authority.caPem);
    add.push({ ...assignment({ nodeId: node.id, appId: app.id, release: made.version }), ordinal: index + 1 });
    stateDirs.push(stateDir);
  }
  await store.beginRollout(app.id, made.version, { add, setDesired: [], remove: [] });
  await store.completeRollout(app.id, made.version, { add: [], setDesired: [], remove: [] });
  await store.close();
  return stateDirs;
}

function startAgents(port: number, stateDirs: readonly string[]): readonly Child[] {
  const share = Math.ceil(stateDirs.length / PROCESSES);
  return Array.from({ length: PROCESSES }, (_, index) => {
    const own = stateDirs.slice(index * share, (index + 1) * share);
    const args = [join(import.meta.dirname, 'fleet-agents.ts'), `localhost:${String(port)}`, ...own];
    return start({ file: process.execPath, args, env: DEFAULT_ENV }, ['ignore', 'inherit', 'inherit']);
  });
}

/** User and system time of processes, in ms. */
async function cpuMsOf(children: readonly Child[]): Promise<number> {
  let ticks = 0;
  for (const { pid } of children) {
    const [user, system] = (await readFile(`/proc/${String(pid)}/stat`, 'utf8'))
      .replace(/^.*\) /, '')
      .split(' ')
      .slice(11, 13);
    ticks += Number(user) + Number(system);
  }
  return ticks * 10;
}

/** The difference between two moments: time, CPU of both sides, lag of the event loop of the controller. */
async function phase(controller: Child, agents: readonly Child[], work: () => Promise<Figures>): Promise<Figures> {
  const [before, agentsBefore] = [await ask(controller, 'measure'), await cpuMsOf(agents)];
  const startedAtMs = performance.now();
  const own = await work();
  const ms = performance.now() - startedAtMs;
  const { rssMiB = 0, cpuMs = 0, lagP99Ms = 0, lagMaxMs = 0 } = await ask(controller, 'measure');
  return {
    ...{
      ms,
      rssMiB,
      lagP99Ms,
      lagMaxMs,
      cpuMs: cpuMs - (before['cpuMs'] ?? 0),
      agentsCpuMs: (await cpuMsOf(agents)) - agentsBefore,
    },
    ...own,
  };
}

/** Kills the controller, starts another at once, and waits until every agent has accepted its desired state. */
async function restart(
  old: Child,
  agents: readonly Child[],
  configPath: string,
): Promise<{ controller: Child; figures: Figures }> {
  const agentsBefore = await cpuMsOf(agents);
  const killedAtMs = performance.now();
  old.kill('SIGKILL');
  const controller = await startController(configPath);
  const listeningMs = performance.now() - killedAtMs;
  await ask(controller, 'connected');
  const ms = performance.now() - killedAtMs;
  await ask(controller, 'told');
  const toldMs = performance.now() - killedAtMs;
  const agentsCpuMs = (await cpuMsOf(agents)) - agentsBefore;
  const figures = {
    ...(await ask(controller, 'measure')),
    ms,
    listeningMs,
    toldMs,
    agentsCpuMs,
    ...(await ask(controller, 'lost')),
  };
  return { controller, figures };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** Median, minimum and maximum of each figure. */
function summary(name: string, samples: readonly Figures[]): Record<string, string | number> {
  const cells = Object.keys(samples[0] ?? {}).map((key) => {
    const values = samples.map((sample) => Math.round((sample[key] ?? Number.NaN) * 10) / 10);
    const spread = ` (${String(Math.min(...values))}..${String(Math.max(...values))})`;
    return [key, `${String(median(values))}${values.length > 1 ? spread : ''}`] as const;
  });
  return { phase: name, n: samples.length, ...Object.fromEntries(cells) };
}

async function measureAll(dir: string, running: Set<Child>): Promise<Record<string, readonly Figures[]>> {
  const [ssh, api, port = 0] = await freePorts(3);
  const configPath = join(dir, 'controller.json');
  const config = { stateDir: join(dir, 'controller'), ssh: { port: ssh }, api: { port: api }, agents: { port } };
  await writeFile(configPath, JSON.stringify(config));
  const stateDirs = await makeFleet(dir, configPath);
  let controller = await startController(configPath);
  running.add(controller);
  const alone = await ask(controller, 'measure');
  const agents = startAgents(port, stateDirs);
  for (const child of agents) running.add(child);
  const inPhase = (work: () => Promise<Figures>): Promise<Figures> => phase(controller, agents, work);
  const cold = await inPhase(() => ask(controller, 'connected'));
  await ask(controller, 'told');
  const idle = async (): Promise<Figures> => systemClock.sleep(STEADY_MS).then(() => ({}));
  const steady = await inPhase(idle);
  const kiBPerAgent = (((steady['rssMiB'] ?? 0) - (alone['rssMiB'] ?? 0)) * 1024) / AGENTS;
  const broadcasts = [];
  for (let count = 0; count < BROADCASTS; count += 1)
    broadcasts.push(await inPhase(() => ask(controller, 'broadcast')));
  const restarts = [];
  for (let count = 0; count < RESTARTS; count += 1) {
    running.delete(controller);
    const again = await restart(controller, agents, configPath);
    controller = again.controller;
    running.add(controller);
    restarts.push(again.figures);
    await systemClock.sleep(6_000); // agents reset their back-off after a session of 5 s
  }
  const cpuPercent = ((steady['cpuMs'] ?? 0) / STEADY_MS) * 100;
  return {
    alone: [alone],
    cold: [cold],
    steady: [{ ...steady, cpuPercent, kiBPerAgent }],
    broadcasts,
    restarts,
    after: [await inPhase(idle)],
  };
}

async function main(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'slipway-bench-fleet-'));
  const running = new Set<Child>();
  const machine = {
    cpus: cpus().length,
    model: cpus()[0]?.model,
    kernel: release(),
    node: process.version,
    load1: loadavg()[0],
  };
  try {
    const phases = await measureAll(dir, running);
    console.log(`${String(AGENTS)} agents in ${String(PROCESSES)} processes`, machine);
    for (const [name, samples] of Object.entries(phases)) console.table([summary(name, samples)]);
    console.log(JSON.stringify({ machine, agents: AGENTS, processes: PROCESSES, loadAfter: loadavg()[0], phases }));
  } finally {
    for (const child of running) child.kill('SIGKILL');
    await rm(dir, { recursive: true, force: true });
  }
}

await main();
