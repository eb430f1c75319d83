import { monitorEventLoopDelay } from 'node:perf_hooks';
import { composePipeline, startBackground } from '../controller/compose.ts';
import { controllerPaths, openFoundations, type Basics } from '../controller/foundations.ts';
import { readControllerConfig } from '../controller/config.ts';
import { ensureDir } from '../shared/kit/atomic-file.ts';
import { systemClock } from '../shared/kit/clock.ts';
import { noFailpoint } from '../shared/kit/failpoint.ts';
import { createLogger } from '../shared/kit/log.ts';
import { randomId } from '../shared/kit/random-id.ts';
import type { InstanceId, NodeId } from '../shared/domain/ids.ts';

// The controller without git and API. bench/fleet.ts starts it and controls it.

const config = await readControllerConfig(process.argv[2] ?? '');
const { repos, images, builds } = controllerPaths(config.stateDir);
await Promise.all([repos, images, builds].map((dir) => ensureDir(dir, 0o700)));
const log = createLogger('controller', 'error');
const basics: Basics = {
  config,
  clock: systemClock,
  log,
  failpoint: noFailpoint,
  env: {},
  signal: new AbortController().signal,
};
const parts = await composePipeline(basics, await openFoundations(basics));
const { store, dispatch } = parts;
startBackground(basics, parts);
const loop = monitorEventLoopDelay({ resolution: 5 });
loop.enable();
await dispatch.listen();
void parts.movement.reconcile();
process.send?.({ ready: true });

/** Resolves when the condition is true for every node. Checked after each message of a node. */
async function untilAll(holds: (node: NodeId) => boolean): Promise<void> {
  const left = new Set(dispatch.fleet.nodes().flatMap((node) => (holds(node.nodeId) ? [] : [node.nodeId])));
  if (left.size === 0) return;
  await new Promise<void>((resolve) => {
    const stop = dispatch.fleet.onChange((node) => {
      if (holds(node)) left.delete(node);
      if (left.size > 0) return;
      stop();
      resolve();
    });
  });
}

/** Whether every node has accepted its desired state since the controller started. */
async function untilTold(): Promise<void> {
  const wanted = new Map((await store.nodes()).map((node) => [node.id, node.generation]));
  await untilAll((node) => (dispatch.acknowledgement(node)?.generation ?? -1) >= (wanted.get(node) ?? 0));
}

/** Gives every node another instance in one transaction, and waits until every node has accepted it. */
async function broadcast(): Promise<object> {
  const former = await store.allAssignments();
  const changedAtMs = performance.now();
  const add = former.map((row) => ({ ...row, instanceId: randomId() as InstanceId }));
  await store.changeAssignments({ add, setDesired: [], remove: former.map((row) => row.instanceId) });
  const sentAtMs = performance.now();
  const told = untilTold();
  await Promise.all(dispatch.fleet.nodes().map((node) => dispatch.fleet.publish(node.nodeId)));
  const writtenMs = performance.now() - sentAtMs;
  await told;
  return { storedMs: sentAtMs - changedAtMs, writtenMs, lastAckMs: performance.now() - sentAtMs };
}

function measure(): object {
  const { user, system } = process.cpuUsage();
  const answer = {
    rssMiB: process.memoryUsage.rss() / 2 ** 20,
    cpuMs: (user + system) / 1000,
    lagP99Ms: loop.percentile(99) / 1e6,
    lagMaxMs: loop.max / 1e6,
  };
  loop.reset();
  return answer;
}

async function lost(): Promise<object> {
  const nodes = await store.nodes();
  return { lost: nodes.filter((node) => node.state === 'unreachable' || node.lostAtMs !== undefined).length };
}

const ANSWERS: Readonly<Record<string, () => Promise<object>>> = {
  measure: () => Promise.resolve(measure()),
  connected: async () => {
    await untilAll((node) => dispatch.fleet.node(node)?.connected === true);
    return {};
  },
  told: async () => {
    await untilTold();
    return {};
  },
  broadcast,
  lost,
};

process.on('message', (what: string) => {
  ANSWERS[what]?.().then(
    (body) => process.send?.(body),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
