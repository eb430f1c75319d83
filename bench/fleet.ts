import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyRequest } from '../agent/session/key-request.ts';
import { newSerial } from '../controller/access/ca/certificates.ts';
import { openFoundations } from '../controller/compose.ts';
import { readControllerConfig } from '../controller/config.ts';
import { systemClock } from '../shared/kit/clock.ts';
import { DEFAULT_ENV, start } from '../shared/kit/exec.ts';
import { freePorts } from '../test/support/fleet.ts';
import { addApp, addNode, addUser, assignment, newRelease } from '../test/support/store-fixtures.ts';

// Many simulated agents (our own session client over grpc-js, mTLS, a certificate each) on one real controller:
// `node bench/fleet.ts [agents] [processes]`. Prints JSON. Needs no root. Figures are of the machine as busy as it is: load is
// in the output, and of the two sides only the controller's is counted.

const AGENTS = Number(process.argv[2] ?? 1000);
const PROCESSES = Number(process.argv[3] ?? 2);
const STEADY_MS = 10_000;
const BROADCASTS = 5;
const LIMIT_MS = 180_000;

type Child = ReturnType<typeof start>;
type Figures = Record<string, number>;

async function ask(controller: Child, what: string): Promise<Figures> {
  controller.send(what);
  return ((await once(controller, 'message')) as [Figures])[0];
}

async function startController(configPath: string): Promise<Child> {
  const args = ['--max-semi-space-size=4', join(import.meta.dirname, 'fleet-controller.ts'), configPath];
  const child = start({ file: process.execPath, args, env: DEFAULT_ENV }, ['ignore', 'inherit', 'inherit', 'ipc']);
  await once(child, 'message');
  return child;
}

/** Nodes with certificates of the real CA and one instance each; what a join leaves on their disks. */
async function makeFleet(dir: string, configPath: string): Promise<readonly string[]> {
  const { store, authority } = await openFoundations(await readControllerConfig(configPath), systemClock);
  const app = await addApp(store, (await addUser(store)).id);
  const release = await store.createRelease(newRelease(app));
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
    add.push({ ...assignment({ nodeId: node.id, appId: app.id, release: release.version }), ordinal: index + 1 });
    stateDirs.push(stateDir);
  }
  await store.beginRollout(app.id, release.version, { add, setDesired: [], remove: [] });
  await store.completeRollout(app.id, release.version, { add: [], setDesired: [], remove: [] });
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

async function untilAllConnected(controller: Child): Promise<number> {
  const since = performance.now();
  while (performance.now() - since < LIMIT_MS) {
    if ((await ask(controller, 'measure'))['connected'] === AGENTS) return performance.now() - since;
    await systemClock.sleep(100);
  }
  throw new Error('not all agents connected');
}

const round = (figures: Figures): Figures =>
  Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, Math.round(value * 10) / 10]));
const say = (what: string, figures: Figures): void => console.log(JSON.stringify({ what, ...round(figures), load1: loadavg()[0] }));

async function steady(controller: Child): Promise<Figures> {
  const before = await ask(controller, 'measure');
  await systemClock.sleep(STEADY_MS);
  const after = await ask(controller, 'measure');
  return { ...after, cpuPercent: (((after['cpuMs'] ?? 0) - (before['cpuMs'] ?? 0)) / STEADY_MS) * 100 };
}

async function main(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'slipway-bench-fleet-'));
  const [ssh, api, agents] = await freePorts(3);
  const configPath = join(dir, 'controller.json');
  const config = { stateDir: join(dir, 'controller'), ssh: { port: ssh }, api: { port: api }, agents: { port: agents } };
  await writeFile(configPath, JSON.stringify(config));
  const stateDirs = await makeFleet(dir, configPath);
  let controller = await startController(configPath);
  const alone = await ask(controller, 'measure');
  say('controller alone', alone);
  const children = startAgents(agents ?? 0, stateDirs);
  try {
    say('all connected, cold', { agents: AGENTS, ms: await untilAllConnected(controller) });
    const quiet = await steady(controller);
    say('steady', { ...quiet, kiBPerAgent: (((quiet['rssMiB'] ?? 0) - (alone['rssMiB'] ?? 0)) * 1024) / AGENTS });
    for (let count = 0; count < BROADCASTS; count += 1) {
      await ask(controller, 'measure');
      const told = await ask(controller, 'broadcast');
      const { lagP99Ms = 0, lagMaxMs = 0 } = await ask(controller, 'measure');
      say('broadcast', { ...told, lagP99Ms, lagMaxMs });
    }
    const killedAtMs = performance.now();
    controller.kill('SIGKILL');
    controller = await startController(configPath);
    const listeningMs = performance.now() - killedAtMs;
    await untilAllConnected(controller);
    const backMs = performance.now() - killedAtMs;
    const after = await ask(controller, 'measure');
    say('back after kill -9 of the controller', { listeningMs, backMs, cpuMs: after['cpuMs'] ?? 0, ...(await ask(controller, 'lost')) });
    say('steady again', await steady(controller));
  } finally {
    for (const child of [...children, controller]) child.kill('SIGKILL');
    await rm(dir, { recursive: true, force: true });
  }
}

await main();
