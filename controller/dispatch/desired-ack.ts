import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { callAfter } from '../../shared/kit/timer.ts';
import type { DesiredAck } from '../../shared/rpc/messages.ts';
import type { AgentSession } from './agent-session.ts';
import type { LiveNodeState } from './node-registry.ts';

export interface AckDeps {
  readonly node: LiveNodeState;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly refusalRetryMs: number;
  readonly publish: () => Promise<void>;
}

/** Records a node's answer to its desired state. @returns false when the node was not sent that generation */
export function handleDesiredAck(session: AgentSession, ack: DesiredAck, deps: AckDeps): boolean {
  if (session.sentGeneration === undefined || ack.generation > session.sentGeneration) {
    session.warnOnce('session.unknown_generation', { generation: ack.generation });
    return false;
  }
  deps.node.ack = ack;
  if (ack.reason !== undefined) refused(session, ack, deps);
  return true;
}

/** Sends the state again later, because the cause may end without help, for example a full disk. */
function refused(session: AgentSession, ack: DesiredAck, deps: AckDeps): void {
  if (session.resendScheduled.desired) return;
  session.resendScheduled.desired = true;
  const { code, message } = ack.reason ?? {};
  deps.logger.warn({ node: session.name, generation: ack.generation, code, message }, 'session.desired_state_refused');
  callAfter(deps.clock, deps.refusalRetryMs, () => {
    session.resendScheduled.desired = false;
    const last = deps.node.ack;
    if (!session.open || last?.reason === undefined || last.generation !== session.sentGeneration) return;
    session.sentGeneration = undefined;
    void deps.publish();
  });
}
