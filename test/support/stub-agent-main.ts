import { connectSession } from '../../agent/session/connect-session.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { silentLogger } from '../../shared/kit/log.ts';
import { fakeAgent } from './dispatch-rig.ts';

// A process that does nothing but keep sessions: `node stub-agent-main.ts ADDRESS STATE_DIR…`. Tests stop and kill it.
const [address, ...stateDirs] = process.argv.slice(2);
const deps = { clock: systemClock, logger: silentLogger, random: Math.random };
for (const stateDir of stateDirs) connectSession({ address: address ?? '', stateDir }, fakeAgent(), deps);
