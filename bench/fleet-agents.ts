import { createChannels } from '../agent/session/channel.ts';
import { connectSession } from '../agent/session/connect-session.ts';
import { systemClock } from '../shared/kit/clock.ts';
import { silentLogger } from '../shared/kit/log.ts';
import { fakeAgent } from '../test/support/dispatch-rig.ts';

// Many agents in one process, each with a session, a connection and a certificate of its own: started by bench/fleet.ts.

const [address = '', ...stateDirs] = process.argv.slice(2);
const deps = { clock: systemClock, logger: silentLogger, random: Math.random, openChannel: createChannels() };
for (const stateDir of stateDirs) {
  const agent = fakeAgent();
  const session = connectSession({ address, stateDir }, agent, deps);
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
  const { acceptRoutes } = agent;
  agent.acceptRoutes = (update) => {
    agent.updates = [];
    return acceptRoutes(update);
  };
}
