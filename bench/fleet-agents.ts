import { createChannels } from '../agent/session/channel.ts';
import { connectSession } from '../agent/session/connect-session.ts';
import { refuseRoutes } from '../agent/accepted/fleet-routes.ts';
import { routesDigest, withUpdate, type FleetRoutes, type RoutesUpdate } from '../shared/domain/fleet-routes.ts';
import { systemClock } from '../shared/kit/clock.ts';
import { silentLogger } from '../shared/kit/log.ts';
import { fakeAgent } from '../test/support/dispatch-rig.ts';

// Many agents in one process, each with its own session, connection and certificate. bench/fleet.ts starts it. Work that each
// machine would do for itself (store the route table, hash it) is done once for all agents.

/** Longer than in an agent, because many agents share a CPU and connect at the same time. */
const PATIENCE_MS = 60_000;
/** The first connections come a few at a time, because each agent gets a whole route table and one CPU reads all of them. */
const AT_ONCE = 30;

const tables = new Map<string, { readonly routes: FleetRoutes; readonly digest: string }>();

function tableAfter(
  held: FleetRoutes | undefined,
  update: RoutesUpdate,
): { readonly routes: FleetRoutes; readonly digest: string } {
  const key = `${String(update.epoch.counter)} ${String(update.version)}`;
  const known = tables.get(key);
  if (known !== undefined) return known;
  const routes = withUpdate(held ?? update, update);
  const made = { routes, digest: routesDigest(routes) };
  tables.set(key, made);
  return made;
}

const [address = '', ...stateDirs] = process.argv.slice(2);
const deps = { clock: systemClock, logger: silentLogger, random: Math.random, openChannel: createChannels() };

/** Resolves when the agent has its first route table. */
function startAgent(stateDir: string): Promise<void> {
  const agent = fakeAgent();
  const { hello } = fakeAgent();
  const session = connectSession({ address, stateDir, connectTimeoutMs: PATIENCE_MS }, agent, deps);
  let held: ReturnType<typeof tableAfter> | undefined;
  agent.hello = async () => ({
    ...(await hello()),
    acceptedState: agent.accepted.at(-1),
    fleetRoutesDigest: held?.digest,
  });
  // Keeps only the last state, and everything in it runs at once.
  agent.accept = (desired) => {
    agent.accepted[0] = desired;
    agent.statuses = desired.assignments.map(({ instanceId }) => ({
      instanceId,
      state: 'live',
      restarts: 0,
      lastLines: [],
      timingsMs: {},
    }));
    session.reportInstances(agent.statuses);
    return Promise.resolve(undefined);
  };
  return new Promise((resolve) => {
    agent.acceptRoutes = (update) => {
      const reason = update.sameAs === held?.digest ? undefined : refuseRoutes(held?.routes, update);
      if (reason === undefined) held = tableAfter(held?.routes, update);
      resolve();
      return Promise.resolve(reason);
    };
  });
}

async function startInTurn(): Promise<void> {
  for (let next = stateDirs.shift(); next !== undefined; next = stateDirs.shift()) await startAgent(next);
}

await Promise.all(Array.from({ length: AT_ONCE }, startInTurn));
