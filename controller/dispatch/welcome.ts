import { versionTrouble } from '../../shared/domain/agent-version.ts';
import type { Epoch } from '../../shared/domain/assignment.ts';
import { VERSION } from '../../shared/kit/version.ts';
import type { Hello, Welcome } from '../../shared/rpc/messages.ts';
import type { AgentSession } from './agent-session.ts';
import type { KnownNode } from './node-book.ts';

interface WelcomeFacts {
  readonly epoch: Epoch;
  /** The controller's own; absent: that of this product. */
  readonly version?: string | undefined;
  readonly heartbeatIntervalMs: number;
  readonly hello: Hello;
  /** Of the tasks that the node holds. */
  readonly tasks: Welcome['tasks'];
}

/** Lets an agent in, and tells it when its version does not go with the controller's. */
export function welcome(session: AgentSession, node: KnownNode, of: WelcomeFacts): void {
  const { agentVersion } = of.hello.facts;
  node.versionTrouble = versionTrouble({ name: session.name, agentVersion }, of.version ?? VERSION);
  const { epoch, heartbeatIntervalMs, tasks } = of;
  session.send({
    kind: 'welcome',
    heartbeatIntervalMs,
    epoch,
    nodeName: session.name,
    versionTrouble: node.versionTrouble,
    tasks,
  });
}
