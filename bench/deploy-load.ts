/**
 * Deploys, config changes, rollbacks and a drain under load. No request may fail.
 *
 *   node bench/deploy-load.ts [--sandbox lxc] [--deploys 30] [--configs 30] [--rollbacks 10] [--drain]
 *     [--rate 800] [--new 25] [--requests 500000]
 *
 * Three booted servers (needs root). The app runs on two of them. All requests enter at the third one, which does not run it. `--new` is
 * the percentage of requests that use a new connection each. Each of these costs a TLS handshake between two servers: 3 ms of processor
 * time for both sides. The other requests use connections that stay open. Websockets and responses of 20 s are open the whole time.
 * With `--requests`, it deploys more often until so many requests were sent.
 * Prints a table and, as the last line, JSON. The exit code is 1 when anything failed.
 */
import { readFile } from 'node:fs/promises';
import { cpus, loadavg, release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ReleaseBody } from '../shared/api/releases.ts';
import { eventually } from '../test/support/eventually.ts';
import type { Repository } from '../test/support/fleet-user.ts';
import { proxyAccount } from '../test/support/proxy-account.ts';
import { ServerFleet } from '../test/support/server-fleet.ts';
import type { Target } from './deploy-load-connection.ts';
import { printReport, type PhaseResult, type Report, type Sample } from './deploy-load-report.ts';
import { nowMs, RequestLoad } from './deploy-load-requests.ts';
import { OpenStreams, type EchoSocket } from './deploy-load-streams.ts';
import type { LoadData } from './deploy-load-worker.ts';

const APP = 'load';
const EDGE = 'edge-1';
const HOME = 'app-1';
const OTHER = 'app-2';
/** The default of the agent. */
const DRAIN_TIMEOUT_MS = 30_000;
/** Until the drain of replaced instances begins (settle and bake), and for their end. */
const BEFORE_AND_AFTER_DRAIN_MS = 90_000;
const SOCKETS_OF_OPERATION = 2;
const SOCKETS_OF_DRAIN = 8;

interface Bench {
  readonly fleet: ServerFleet;
  readonly repository: Repository;
  readonly load: RequestLoad;
  readonly streams: OpenStreams;
  /** When a drain began, for each instance that it moves. */
  readonly drained: Map<string, number>;
  /** What the current release answers. */
  serving: Serving;
  /** What the release before it answered. */
  former: Serving;
}

type Rate = Pick<LoadData, 'ratePerS' | 'newShare'>;

interface Serving {
  readonly code: number;
  readonly step: number;
}

interface Phase {
  readonly name: string;
  /** @param done number of operations so far */
  readonly goesOn: (done: number) => boolean;
  readonly once: (bench: Bench) => Promise<Sample>;
}

interface Operation {
  /** @returns its output */
  readonly run: () => Promise<string>;
  readonly serving: Serving;
}

async function filesOf(code: number): Promise<Record<string, string>> {
  const read = (name: string): Promise<string> => readFile(join(import.meta.dirname, name), 'utf8');
  const server = await read('deploy-load-app.ts');
  return {
    'deploy-load-app.ts': server.replace(/CODE = \d+/, `CODE = ${String(code)}`),
    'deploy-load-chunks.ts': await read('deploy-load-chunks.ts'),
    'package.json': JSON.stringify({ name: APP, version: '1.0.0', type: 'module' }),
    Procfile: 'web: node deploy-load-app.ts\n',
  };
}

async function push(repository: Repository, code: number): Promise<string> {
  await repository.commit(await filesOf(code));
  const { ok, text } = await repository.push(APP);
  if (!ok) throw new Error(text);
  return text;
}

async function newestRelease(fleet: ServerFleet): Promise<ReleaseBody> {
  const [newest] = (await fleet.fleet.api('GET', `/apps/${APP}/releases?limit=1`)) as ReleaseBody[];
  if (newest === undefined) throw new Error('the app has no release');
  return newest;
}

/** The names of live instances on each server. */
async function instancesOn(fleet: ServerFleet, name: string): Promise<readonly string[]> {
  const live = (await fleet.instances(APP)).filter(({ desired, state }) => desired === 'run' && state === 'live');
  return live.filter(({ node }) => node === name).map((instance) => instance.name);
}

async function openBench(fleet: ServerFleet, rate: Rate): Promise<Bench> {
  await fleet.joinAll();
  await fleet.fleet.slipway('nodes:cordon', EDGE);
  const repository = await fleet.fleet.me.repository(APP, await filesOf(1));
  await push(repository, 1);
  await fleet.fleet.slipway('ps:scale', 'web=2', '-a', APP);
  await eventually('one instance on each of two servers', async () => {
    const counts = await Promise.all([HOME, OTHER].map(async (name) => (await instancesOn(fleet, name)).length));
    return counts.every((count) => count === 1);
  });
  const target: Target = { address: fleet.servers.named(EDGE).address, port: 80, host: `${APP}.localhost` };
  const load = await RequestLoad.start({ ...target, ...rate }, () => void explain(fleet));
  const drained = new Map<string, number>();
  const streams = new OpenStreams({
    target,
    drainTimeoutMs: DRAIN_TIMEOUT_MS,
    replacedAtMs: (instance) => load.replacedAtMs(instance.release) ?? drained.get(instance.dyno),
  });
  const serving = { code: 1, step: 0 };
  return { fleet, repository, load, streams, drained, serving, former: serving };
}

/** The logs of the proxies at the first failure. At this rate they only have the last few seconds. */
async function explain({ servers }: ServerFleet): Promise<void> {
  const accounts = (): Promise<readonly string[]> => Promise.all(servers.list.map(proxyAccount));
  const isLogged = async (): Promise<boolean> => (await accounts()).some((account) => account.includes(' code=H'));
  await eventually('a line about the failure', isLogged).catch(() => undefined); // no proxy saw this failure
  for (const account of await accounts()) console.log(account);
}

/** Runs one operation, and checks the answers of its release and the connections that were open before. */
async function operate(bench: Bench, operation: Operation): Promise<Sample> {
  const { fleet, load, streams } = bench;
  const before = await newestRelease(fleet);
  const sockets = await streams.openSockets(SOCKETS_OF_OPERATION);
  streams.startSlow();
  const startedAtMs = nowMs();
  const output = await operation.run();
  const returnedMs = nowMs() - startedAtMs;
  const made = await newestRelease(fleet);
  if (made.version !== before.version + 1 || made.state !== 'current')
    throw new Error(`v${String(made.version)} is ${made.state}: ${output}`);
  load.released(made.version);
  const first = await load.firstAnswer(made.version);
  const { code, step } = operation.serving;
  const wanted = `release=v${String(made.version)} code=${String(code)} step=${String(step)}\n`;
  if (first.body !== wanted) throw new Error(`the answer is ${first.body} and not ${wanted}`);
  bench.former = bench.serving;
  bench.serving = operation.serving;
  await untilEchoed(sockets);
  return { firstNewMs: first.atMs - startedAtMs, returnedMs };
}

async function untilEchoed(sockets: readonly EchoSocket[]): Promise<void> {
  await Promise.all(sockets.map((socket) => socket.untilEchoed()));
}

/** The same operation many times. A failed one does not end the phase. */
async function runPhase(bench: Bench, { name, goesOn, once }: Phase): Promise<PhaseResult> {
  const samples: Sample[] = [];
  const failures: string[] = [];
  bench.load.startPhase(name);
  const streams = bench.streams.startPhase();
  for (let done = 0; goesOn(done); done += 1) {
    const title = `${name} ${String(done + 1)}`;
    try {
      const sample = await once(bench);
      samples.push(sample);
      console.log(`${title}:`, sample);
    } catch (error) {
      failures.push(`${title}: ${String(error)}`);
      console.log(`${title} failed: ${String(error)}`);
    }
  }
  const onEdge = await instancesOn(bench.fleet, EDGE);
  if (onEdge.length > 0) failures.push(`${onEdge.join()} ran on the server through which the requests enter`);
  return { name, samples, streams, failures };
}

function deploy(bench: Bench): Promise<Sample> {
  const serving = { ...bench.serving, code: bench.serving.code + 1 };
  return operate(bench, { serving, run: () => push(bench.repository, serving.code) });
}

function changeConfig(bench: Bench): Promise<Sample> {
  const serving = { ...bench.serving, step: bench.serving.step + 1 };
  const run = (): Promise<string> => bench.fleet.fleet.slipway('config:set', `STEP=${String(serving.step)}`, '-a', APP);
  return operate(bench, { serving, run });
}

/** Each one goes back to the release before, so every second one serves the same. */
function rollBack(bench: Bench): Promise<Sample> {
  const run = (): Promise<string> => bench.fleet.fleet.slipway('rollback', '-a', APP);
  return operate(bench, { serving: bench.former, run });
}

/** Empties one of the two servers with instances. */
async function drain(bench: Bench): Promise<Sample> {
  const { fleet, streams, drained } = bench;
  const sockets = await streams.openSockets(SOCKETS_OF_DRAIN);
  streams.startSlow();
  const startedAtMs = nowMs();
  for (const name of await instancesOn(fleet, HOME)) drained.set(name, startedAtMs);
  const output = await fleet.fleet.slipway('nodes:drain', HOME);
  const returnedMs = nowMs() - startedAtMs;
  const left = await instancesOn(fleet, HOME);
  const moved = await instancesOn(fleet, OTHER);
  if (left.length > 0 || moved.length !== 2) throw new Error(output);
  await untilEchoed(sockets);
  return { returnedMs };
}

interface Counts {
  readonly deploys: number;
  readonly configs: number;
  readonly rollbacks: number;
  readonly drains: number;
  readonly requests: number;
}

/** All phases, and then the end of the load. */
async function measure(bench: Bench, counts: Counts): Promise<Report> {
  const phases: readonly Phase[] = [
    { name: 'deploy', goesOn: (done) => done < counts.deploys, once: deploy },
    { name: 'config', goesOn: (done) => done < counts.configs, once: changeConfig },
    { name: 'rollback', goesOn: (done) => done < counts.rollbacks, once: rollBack },
    { name: 'more deploys', goesOn: () => bench.load.sent < counts.requests, once: deploy },
    { name: 'drain', goesOn: (done) => done < counts.drains, once: drain },
  ];
  const results: PhaseResult[] = [];
  for (const phase of phases) if (phase.goesOn(0)) results.push(await runPhase(bench, phase));
  await bench.streams.untilReplacedEnd(DRAIN_TIMEOUT_MS + BEFORE_AND_AFTER_DRAIN_MS);
  await bench.streams.finish();
  bench.load.stop();
  return Promise.all(results.map(async (result) => ({ ...result, requests: await bench.load.figures(result.name) })));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      sandbox: { type: 'string', default: 'lxc' },
      deploys: { type: 'string', default: '30' },
      configs: { type: 'string', default: '30' },
      rollbacks: { type: 'string', default: '10' },
      drain: { type: 'boolean', default: false },
      rate: { type: 'string', default: '800' },
      new: { type: 'string', default: '25' },
      requests: { type: 'string', default: '0' },
    },
  });
  const { sandbox } = values;
  const rate = { ratePerS: Number(values.rate), newShare: Number(values.new) / 100 };
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, kernel: release(), node: process.version };
  console.log(
    `sandbox ${sandbox}, ${values.rate} requests a second, ${values.new} % on new connections, load of the machine ${String(loadavg()[0])}`,
    machine,
  );
  const interruption = new AbortController();
  const interrupted = untilInterrupted(interruption);
  const starting = ServerFleet.start([EDGE, HOME, OTHER], {
    agent: { sandbox, drainTimeoutMs: DRAIN_TIMEOUT_MS },
  });
  let bench: Bench | undefined;
  try {
    const fleet = await Promise.race([starting, interrupted]);
    bench = await Promise.race([openBench(fleet, rate), interrupted]);
    const counts = {
      deploys: Number(values.deploys),
      configs: Number(values.configs),
      rollbacks: Number(values.rollbacks),
      drains: values.drain ? 1 : 0,
      requests: Number(values.requests),
    };
    const report = await Promise.race([measure(bench, counts), interrupted]);
    if (!printReport(report, { sandbox, ...rate, machine, loadAfter: loadavg()[0] })) process.exitCode = 1;
  } catch (error) {
    if (!interruption.signal.aborted) console.log(await (await starting).report());
    throw error;
  } finally {
    await bench?.streams.end();
    await bench?.load.terminate();
    await (await starting).stop();
  }
}

/** Rejects when someone ends the bench, so that it stops its servers. A second signal ends it at once. */
function untilInterrupted(interruption: AbortController): Promise<never> {
  return new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        interruption.abort();
        console.log(`${signal}: stopping the servers`);
        reject(new Error(`The bench was ended by ${signal}.`));
      });
    }
  });
}

await main();
