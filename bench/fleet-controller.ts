import { monitorEventLoopDelay } from 'node:perf_hooks';
import { composePipeline, controllerPaths, openFoundations, startBackground, type Basics } from '../controller/compose.ts';
import { readControllerConfig } from '../controller/config.ts';
import { ensureDir } from '../shared/kit/atomic-file.ts';
import { systemClock } from '../shared/kit/clock.ts';
import { noFailpoint } from '../shared/kit/failpoint.ts';
import { createLogger } from '../shared/kit/log.ts';
import { randomId } from '../shared/kit/random-id.ts';
import type { InstanceId } from '../shared/domain/ids.ts';

// The controller as it runs, without git and API, with handles for bench/fleet.ts: started by that.

const config = await readControllerConfig(process.argv[2] ?? '');
const { repos, images, builds } = controllerPaths(config.stateDir);
await Promise.all([repos, images, builds].map((dir) => ensureDir(dir, 0o700)));
const log = createLogger('controller', 'warn');
const basics: Basics = { config, clock: systemClock, log, failpoint: noFailpoint, env: {}, signal: new AbortController().signal };
const parts = await composePipeline(basics, await openFoundations(config, systemClock));
startBackground(basics, parts);
const loop = monitorEventLoopDelay({ resolution: 5 });
loop.enable();
await parts.dispatch.listen();
void parts.movement.run();
process.send?.({ ready: true });

/** Another instance for every node, in one transaction; then until every node has said that it accepted it. */
async function broadcast(): Promise<object> {
  const { store, dispatch } = parts;
  const former = await store.allAssignments();
  const changedAtMs = performance.now();
  const add = former.map((row) => ({ ...row, instanceId: randomId() as InstanceId }));
  await store.changeAssignments({ add, setDesired: [], remove: former.map((row) => row.instanceId) });
  const wanted = new Map((await store.nodes()).map((node) => [node.id, node.generation]));
  const sentAtMs = performance.now();
  await Promise.all([...wanted.keys()].map((node) => dispatch.fleet.publish(node)));
  const writtenMs = performance.now() - sentAtMs;
  const missing = (): boolean => [...wanted].some(([node, generation]) => (dispatch.acknowledgement(node)?.generation ?? -1) < generation);
  while (missing()) await systemClock.sleep(10);
  return { storedMs: sentAtMs - changedAtMs, writtenMs, lastAckMs: performance.now() - sentAtMs };
}

function measure(): object {
  const answer = {
    connected: parts.dispatch.fleet.nodes().filter((node) => node.connected).length,
    rssMiB: process.memoryUsage.rss() / 2 ** 20,
    cpuMs: (process.cpuUsage().user + process.cpuUsage().system) / 1000,
    lagP99Ms: loop.percentile(99) / 1e6,
    lagMaxMs: loop.max / 1e6,
  };
  loop.reset();
  return answer;
}

async function lost(): Promise<object> {
  const nodes = await parts.store.nodes();
  return { lost: nodes.filter((node) => node.state === 'unreachable' || node.lostAtMs !== undefined).length };
}

process.on('message', (what: string) => {
  const answer = what === 'broadcast' ? broadcast() : what === 'lost' ? lost() : Promise.resolve(measure());
  answer.then(
    (body) => process.send?.(body),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
