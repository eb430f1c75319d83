/**
 * A release that fails on one of three nodes: the time until every node serves the old release again, without a human. Each case is
 * measured with the controller running, and with the controller killed (kill -9) in the moment of the failure and started again.
 *
 *   node bench/bad-release.ts [starting] [settling] [baking] [--runs 3] [--rate 20]
 *
 * starting: the app exits at its start, so it gets no traffic there. settling: it exits after the traffic moved to it, and the push still
 * waits. baking: it exits when the push has returned. Boots three servers (as root); every server runs the app. Prints a table and, as
 * the last line, JSON.
 */
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import type { InstanceBody } from '../shared/api/formation.ts';
import type { ReleaseBody } from '../shared/api/releases.ts';
import { eventually } from '../test/support/eventually.ts';
import { FleetLoad, servedFromMs } from '../test/support/fleet-load.ts';
import { helloApp, type Repository } from '../test/support/fleet-user.ts';
import { ServerFleet } from '../test/support/server-fleet.ts';
import { spread } from '../test/support/spread.ts';

const APP = 'bench';
const SERVERS = ['fra-1', 'fra-2', 'ams-1'];
/** The app sees the /usr of its node. Where this file exists, a bad release exits. */
const MARK = '/usr/share/slipway-bench-bad';
const GOOD = 'version=1 ';
const MOMENTS = ['starting', 'settling', 'baking'] as const;

type Moment = (typeof MOMENTS)[number];

interface Case {
  readonly moment: Moment;
  readonly controllerKilled: boolean;
}

interface Round {
  /** From the failure until every node serves the old release, and only that. 0: no node served anything else after the failure. */
  readonly failureToServedMs: number;
  /** From the failure until the controller reports only instances of the old release, all live. */
  readonly failureToCleanMs: number;
  readonly pushToServedMs: number;
  /** From the kill of the controller until it is ready again. Absent when it was not killed. */
  readonly controllerAwayMs?: number;
  readonly requests: number;
  readonly failed: number;
}

interface Lab {
  readonly fleet: ServerFleet;
  readonly repository: Repository;
  readonly firstCommit: string;
  readonly ratePerS: number;
  /** Of the app that is pushed next. */
  version: number;
}

function appFiles(version: number): Record<string, string> {
  const files = helloApp(String(version));
  const check = `const check = () => require('node:fs').existsSync('${MARK}') && process.exit(1);\ncheck();\nsetInterval(check, 10);\n`;
  return version === 1 ? files : { ...files, 'server.js': `${check}${files['server.js'] ?? ''}` };
}

async function prepare(fleet: ServerFleet, ratePerS: number): Promise<Lab> {
  await fleet.joinAll();
  const repository = await fleet.fleet.me.repository(APP, appFiles(1));
  const firstCommit = (await repository.git('rev-parse', 'HEAD')).stdout.trim();
  const pushed = await repository.push(APP);
  if (!pushed.ok) throw new Error(pushed.text);
  await fleet.fleet.slipway('ps:scale', 'web=all', '-a', APP);
  await untilOnlyGood(fleet);
  return { fleet, repository, firstCommit, ratePerS, version: 1 };
}

function isGood({ release: version, desired, state }: InstanceBody): boolean {
  return version === 1 && desired === 'run' && state === 'live';
}

async function untilOnlyGood(fleet: ServerFleet): Promise<void> {
  await eventually('every node runs the old release, and nothing else', async () => {
    const instances = await fleet.instances(APP);
    return instances.length === SERVERS.length && instances.every(isGood);
  });
}

interface Failing {
  /** Monotonic ms. */
  readonly failedAtMs: number;
  readonly controllerAwayMs?: number;
}

/** Makes the new release fail on one node. Resolves when the controller is ready. */
async function failAt(lab: Lab, { moment, controllerKilled }: Case, returned: Promise<unknown>): Promise<Failing> {
  const { fleet } = lab;
  const [bad] = fleet.servers.list;
  const mark = async (): Promise<unknown> => bad?.sh(`touch ${MARK}`);
  const isSeen = (condition: (instances: readonly InstanceBody[]) => boolean): Promise<boolean> =>
    eventually(`the app is ${moment}`, async () => condition(await fleet.instances(APP)));
  if (moment === 'starting') {
    await mark();
    await isSeen((all) =>
      all.some((each) => each.release !== 1 && each.node === bad?.name && each.state !== 'fetching'),
    );
  }
  if (moment === 'settling') await isSeen((all) => all.every((each) => each.release !== 1 || each.desired !== 'run'));
  if (moment === 'baking') await returned;
  const failedAtMs = performance.now();
  const marked = moment === 'starting' ? undefined : mark();
  if (controllerKilled) {
    await fleet.fleet.endController('SIGKILL');
    await fleet.fleet.startController();
  }
  const controllerAwayMs = performance.now() - failedAtMs;
  await marked;
  return { failedAtMs, ...(controllerKilled ? { controllerAwayMs } : {}) };
}

async function measure(lab: Lab, which: Case): Promise<Round> {
  const { fleet, repository } = lab;
  lab.version += 1;
  await repository.commit(appFiles(lab.version));
  const load = await FleetLoad.start(fleet.servers.list, APP, lab.ratePerS);
  const pushedAtMs = performance.now();
  const { result } = repository.startPush(APP);
  const { failedAtMs, ...controller } = await failAt(lab, which, result);
  const pushed = await result;
  await untilOnlyGood(fleet);
  const cleanAtMs = performance.now();
  await load.untilServed(GOOD);
  const seen = await load.stop();
  await checkAll(lab);
  if (pushed.ok !== (which.moment === 'baking')) throw new Error(`the push must not end so:\n${pushed.text}`);
  await fleet.servers.list[0]?.sh(`rm ${MARK}`);
  const servedAtMs = Math.max(failedAtMs, servedFromMs(seen, GOOD));
  return {
    failureToServedMs: servedAtMs - failedAtMs,
    failureToCleanMs: cleanAtMs - failedAtMs,
    pushToServedMs: servedAtMs - pushedAtMs,
    ...controller,
    requests: seen.reduce((sum, { bodies, failures }) => sum + bodies.length + failures.length, 0),
    failed: seen.reduce((sum, { failures }) => sum + failures.length, 0),
  };
}

/** The controller must tell what the nodes do: the new release failed, the old one is current, and the git ref is at its commit. */
async function checkAll({ fleet, repository, firstCommit }: Lab): Promise<void> {
  await eventually('the git ref is back', async () => (await repository.remoteRef(APP)) === firstCommit);
  const releases = (await fleet.fleet.api('GET', `/apps/${APP}/releases?limit=100`)) as readonly ReleaseBody[];
  const current = releases.filter(({ state }) => state === 'current').map(({ version }) => version);
  if (releases[0]?.state !== 'failed' || current.join() !== '1') throw new Error(JSON.stringify(releases));
}

function row({ moment, controllerKilled }: Case, rounds: readonly Round[]): Record<string, string | number> {
  const of = (pick: (round: Round) => number): string => spread(rounds.map(pick));
  return {
    fails: moment,
    controller: controllerKilled ? 'killed' : 'runs',
    'failure → served, ms': of((round) => round.failureToServedMs),
    'failure → clean, ms': of((round) => round.failureToCleanMs),
    'push start → served, ms': of((round) => round.pushToServedMs),
    'controller away, ms': controllerKilled ? of(({ controllerAwayMs }) => controllerAwayMs ?? Number.NaN) : '',
    requests: rounds.reduce((sum, { requests }) => sum + requests, 0),
    failed: rounds.reduce((sum, { failed }) => sum + failed, 0),
  };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '3' }, rate: { type: 'string', default: '20' } },
});
const moments = MOMENTS.filter((moment) => positionals.length === 0 || positionals.includes(moment));
const fleet = await ServerFleet.start(SERVERS);
try {
  const lab = await prepare(fleet, Number(values.rate));
  const results = [];
  for (const moment of moments) {
    for (const controllerKilled of [false, true]) {
      const which = { moment, controllerKilled };
      const rounds: Round[] = [];
      for (let run = 0; run < Number(values.runs); run += 1) rounds.push(await measure(lab, which));
      results.push({ ...which, rounds });
    }
  }
  console.table(results.map(({ rounds, ...which }) => row(which, rounds)));
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, kernel: release(), node: process.version };
  console.log(
    JSON.stringify({ bench: 'bad-release', machine, nodes: SERVERS.length, ratePerNode: lab.ratePerS, results }),
  );
} catch (error) {
  console.error(await fleet.report());
  throw error;
} finally {
  await fleet.stop();
}
