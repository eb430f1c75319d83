import { connectSession } from '../agent/session/connect-session.ts';
import { systemClock } from '../shared/kit/clock.ts';
import { silentLogger } from '../shared/kit/log.ts';
import { fakeAgent } from '../test/support/dispatch-rig.ts';

// Many agents in one process, each with a session, a connection and a certificate of its own: started by bench/fleet.ts.

const [address = '', ...stateDirs] = process.argv.slice(2);
const deps = { clock: systemClock, logger: silentLogger, random: Math.random };
for (const stateDir of stateDirs) {
  const agent = fakeAgent();
  // Only the last one is kept, as a ledger does.
  agent.accept = (desired) => {
    agent.accepted[0] = desired;
    return Promise.resolve(undefined);
  };
  connectSession({ address, stateDir }, agent, deps);
}
