import { versionMismatch } from '../../shared/domain/agent-version.ts';
import type { Epoch } from '../../shared/domain/assignment.ts';
import { VERSION } from '../../shared/kit/version.ts';
import type { Hello, Welcome } from '../../shared/rpc/messages.ts';
import type { AgentSession } from './agent-session.ts';
import type { LiveNodeState } from './node-registry.ts';

interface WelcomeContent {
  readonly epoch: Epoch;
  /** The controller's version. Default: the version of this build. */
  readonly version?: string | undefined;
  readonly heartbeatIntervalMs: number;
  readonly hello: Hello;
  /** Progress of the tasks that the node runs. */
  readonly tasks: Welcome['tasks'];
}

/** Answers Hello, and warns the agent when its version does not match the controller's. */
export function sendWelcome(session: AgentSession, node: LiveNodeState, content: WelcomeContent): void {
  const { epoch, heartbeatIntervalMs, tasks, hello, version } = content;
  const { agentVersion } = hello.facts;
  node.versionMismatch = versionMismatch({ name: session.name, agentVersion }, version ?? VERSION);
  session.send({
    kind: 'welcome',
    heartbeatIntervalMs,
    epoch,
    nodeName: session.name,
    versionMismatch: node.versionMismatch,
    tasks,
  });
}
