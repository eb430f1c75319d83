import { createChannels } from '../agent/session/channel.ts';
import { connectSession } from '../agent/session/connect-session.ts';
import { refuseRoutes } from '../agent/accepted/fleet-routes.ts';
import { routesDigest, withUpdate, type FleetRoutes, type RoutesUpdate } from '../shared/domain/fleet-routes.ts';
import { systemClock } from '../shared/kit/clock.ts';
import { silentLogger } from '../shared/kit/log.ts';
import { fakeAgent } from '../test/support/dispatch-rig.ts';

// Many agents in one process, each with a session, a connection and a certificate of its own: started by bench/fleet.ts. What a
// machine of its own would do beside the others' (keep a table, hash it) is done once for all of them.

/** Longer than an agent's own: here it shares a processor with all the others, who shake hands at the same moment. */
const PATIENCE_MS = 60_000;
/** The first time they come a few at a time: each is sent a whole route table, and one processor reads them all. */
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

/** Resolves when it has its first route table. */
function startAgent(stateDir: string): Promise<void> {
  const agent = fakeAgent();
  const { hello } = fakeAgent();
  const session = connectSession({ address, stateDir, connectTimeoutMs: PATIENCE_MS }, agent, deps);
  let held: ReturnType<typeof tableAfter> | undefined;
  agent.hello = async () => ({ ...(await hello()), ledger: agent.accepted.at(-1), fleetRoutesDigest: held?.digest });
  // Only the last state is kept, as a ledger does, and everything asked for runs at once.
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
      const refusal = update.sameAs === held?.digest ? undefined : refuseRoutes(held?.routes, update);
      if (refusal === undefined) held = tableAfter(held?.routes, update);
      resolve();
      return Promise.resolve(refusal);
    };
  });
}

async function startInTurn(): Promise<void> {
  for (let next = stateDirs.shift(); next !== undefined; next = stateDirs.shift()) await startAgent(next);
}

await Promise.all(Array.from({ length: AT_ONCE }, startInTurn));
