/**
 * A rollback of an app with large layers, next to a push and a restart of the same app: the time until every node serves the result.
 *
 *   node bench/rollback.ts [--runs 3] [--megabytes 200] [--nodes 2] [--rate 50]
 *
 * The app has a file of random bytes in its source. Each push changes one line, so its layer is packed again and goes to every node; a
 * rollback needs a layer that the nodes had before. Boots the servers (as root). Prints a table and, as the last line, JSON.
 */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ReleaseDetails } from '../shared/api/release-history.ts';
import { eventually } from '../test/support/eventually.ts';
import { FleetLoad, servedFromMs } from '../test/support/fleet-load.ts';
import { helloApp, type Repository } from '../test/support/fleet-user.ts';
import { ServerFleet } from '../test/support/server-fleet.ts';
import { spread } from '../test/support/spread.ts';

const APP = 'bench';

interface Sample {
  /** Until every node gave only the expected answer. Absent when the answer does not change. */
  readonly servedMs?: number;
  readonly returnedMs: number;
  readonly requests: number;
  readonly failed: number;
}

interface Lab {
  readonly fleet: ServerFleet;
  readonly repository: Repository;
  readonly ratePerS: number;
}

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    megabytes: { type: 'string', default: '200' },
    nodes: { type: 'string', default: '2' },
    rate: { type: 'string', default: '50' },
  },
});

/** @returns how long the first push took */
async function prepare({ fleet, repository }: Lab): Promise<number> {
  await repository.git('config', 'core.compression', '0'); // random bytes do not get smaller
  await writeFile(join(repository.dir, 'data.bin'), randomBytes(Number(values.megabytes) * 1e6));
  await repository.commit({});
  const startedAtMs = performance.now();
  const pushed = await repository.push(APP);
  if (!pushed.ok) throw new Error(pushed.text);
  const tookMs = performance.now() - startedAtMs;
  await fleet.fleet.slipway('ps:scale', 'web=all', '-a', APP);
  await untilAlone(fleet);
  return tookMs;
}

/** Every node runs one instance, and no old one is left. */
async function untilAlone(fleet: ServerFleet): Promise<void> {
  await eventually('every node runs one instance', async () => {
    const instances = await fleet.instances(APP);
    const isUp = instances.every(({ desired, state }) => desired === 'run' && state === 'live');
    return isUp && instances.length === fleet.servers.list.length;
  });
}

/** @param text the beginning of the answers after the work. Absent: the answers do not change */
async function measure(
  { fleet, ratePerS }: Lab,
  text: string | undefined,
  work: () => Promise<unknown>,
): Promise<Sample> {
  const load = await FleetLoad.start(fleet.servers.list, APP, ratePerS);
  const startedAtMs = performance.now();
  await work();
  const returnedMs = performance.now() - startedAtMs;
  if (text !== undefined) await load.untilServed(text);
  const seen = await load.stop();
  await untilAlone(fleet);
  return {
    ...(text === undefined ? {} : { servedMs: servedFromMs(seen, text) - startedAtMs }),
    returnedMs,
    requests: seen.reduce((sum, { bodies, failures }) => sum + bodies.length + failures.length, 0),
    failed: seen.reduce((sum, { failures }) => sum + failures.length, 0),
  };
}

async function slipway({ fleet }: Lab, command: string, done: RegExp): Promise<void> {
  const printed = await fleet.fleet.slipway(command, '-a', APP);
  if (!done.test(printed)) throw new Error(printed);
}

function served(samples: readonly Sample[]): string {
  const all = samples.flatMap(({ servedMs }) => servedMs ?? []);
  return all.length === 0 ? '' : spread(all);
}

/** A push of one changed line, a rollback of it, and a restart. The release of the first push serves before and after. */
async function measureAll(lab: Lab, version: number): Promise<Record<string, Sample>> {
  const [mine, first] = [`version=${String(version)} `, 'version=1 '];
  await lab.repository.commit({ 'server.js': helloApp(String(version))['server.js'] ?? '' });
  const push = await measure(lab, mine, async () => {
    const pushed = await lab.repository.push(APP);
    if (!pushed.ok) throw new Error(pushed.text);
  });
  const rollback = await measure(lab, first, () => slipway(lab, 'rollback', /^Rolled back /));
  const restart = await measure(lab, undefined, () => slipway(lab, 'ps:restart', /^Restart/));
  return { push, rollback, restart };
}

async function main(fleet: ServerFleet): Promise<void> {
  await fleet.joinAll();
  const repository = await fleet.fleet.me.repository(APP, helloApp('1'));
  const lab = { fleet, repository, ratePerS: Number(values.rate) };
  const firstPushMs = await prepare(lab);
  const { sizeBytes } = (await fleet.fleet.api('GET', `/apps/${APP}/releases/1`)) as ReleaseDetails;
  const samples: Record<string, Sample>[] = [];
  for (let run = 0; run < Number(values.runs); run += 1) samples.push(await measureAll(lab, run + 2));
  console.log(`slug ${(sizeBytes / 1e6).toFixed(0)} MB, first push ${firstPushMs.toFixed(0)} ms`);
  const rows = ['push', 'rollback', 'restart'].map((what) => {
    const mine = samples.flatMap((sample) => sample[what] ?? []);
    return {
      what,
      'every node serves it, ms': served(mine),
      'command returned, ms': spread(mine.map(({ returnedMs }) => returnedMs)),
      requests: mine.reduce((sum, { requests }) => sum + requests, 0),
      failed: mine.reduce((sum, { failed }) => sum + failed, 0),
    };
  });
  console.table(rows);
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, kernel: release(), node: process.version };
  const nodes = fleet.servers.list.length;
  console.log(JSON.stringify({ bench: 'rollback', machine, nodes, slugBytes: sizeBytes, firstPushMs, samples }));
}

const names = Array.from({ length: Number(values.nodes) }, (_, index) => `fra-${String(index + 1)}`);
const servers = await ServerFleet.start(names);
try {
  await main(servers);
} catch (error) {
  console.error(await servers.report());
  throw error;
} finally {
  await servers.stop();
}
