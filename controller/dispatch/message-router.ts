import type { NodeId, TaskId } from '../../shared/domain/ids.ts';
import { parseNodeFacts } from '../../shared/domain/node-facts.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type {
  AgentMessage,
  CertificatesServed,
  DesiredAck,
  DestroyedAck,
  Heartbeat,
  Hello,
  InstanceReport,
  NodeEvent,
  RoutesAck,
  SwitchFigures,
} from '../../shared/rpc/messages.ts';
import type { AgentSession } from './agent-session.ts';
import { handleDesiredAck } from './desired-ack.ts';
import type { Commands } from './commands.ts';
import type { DestroyedApps } from './destroyed-apps.ts';
import type { LogQueries } from './log-queries.ts';
import type { Liveness } from './liveness.ts';
import type { LiveNodeState, NodeRegistry } from './node-registry.ts';
import type { RouteDistributor } from './route-distributor.ts';
import type { RestartLeaves } from './restart-leaves.ts';
import type { SwitchCounts } from './switch-counts.ts';
import type { Tasks } from './tasks.ts';

export interface MessageRouterDeps {
  readonly registry: NodeRegistry;
  readonly liveness: Pick<Liveness, 'present'>;
  readonly tasks: Tasks;
  readonly commands: Commands;
  readonly logs: LogQueries;
  readonly routes: RouteDistributor;
  readonly destroyed: DestroyedApps;
  readonly leaves: RestartLeaves;
  readonly switches: SwitchCounts;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly refusalRetryMs: number;
  readonly publish: (node: NodeId) => Promise<void>;
  readonly notify: (node: NodeId) => void;
  /** Something that the agent reports to its operator. */
  readonly onNodeEvent?: ((node: { readonly id: NodeId; readonly name: string }, event: NodeEvent) => void) | undefined;
}

type Rest = CertificatesServed | DestroyedAck | NodeEvent | RoutesAck | SwitchFigures;

/** Passes the messages of an agent to the modules that handle them. Hello is handled by the dispatcher. */
export class MessageRouter {
  readonly #deps: MessageRouterDeps;

  constructor(deps: MessageRouterDeps) {
    this.#deps = deps;
  }

  route(session: AgentSession, node: LiveNodeState, message: Exclude<AgentMessage, Hello>): void {
    const { tasks, commands, logs } = this.#deps;
    const ofTask = (id: TaskId): Tasks | Commands => (tasks.nodeOf(id) === undefined ? commands : tasks);
    switch (message.kind) {
      case 'heartbeat':
        this.#heartbeat(node, message);
        break;
      case 'desiredAck':
        this.#desiredAck(session, node, message);
        break;
      case 'instanceReport':
        this.#instanceReport(session, node, message);
        break;
      case 'taskOutput':
        ofTask(message.taskId).onOutput(session, message);
        break;
      case 'taskResult':
        ofTask(message.taskId).onResult(session, message);
        break;
      case 'logChunk':
        logs.onChunk(session, message);
        break;
      default:
        this.#routeRest(session, message);
    }
  }

  #routeRest(session: AgentSession, message: Rest): void {
    const { routes, destroyed, switches } = this.#deps;
    if (message.kind === 'routesAck') routes.acknowledged(session, message);
    else if (message.kind === 'certificatesServed') this.#certificatesServed(session, message);
    else if (message.kind === 'destroyedAck') destroyed.acknowledged(session, message);
    else if (message.kind === 'nodeEvent') this.#nodeEvent(session, message);
    else switches.reported(session, message);
  }

  #certificatesServed(session: AgentSession, message: CertificatesServed): void {
    if (this.#deps.routes.certificatesServed(session, message)) this.#deps.notify(session.nodeId);
  }

  #heartbeat(node: LiveNodeState, heartbeat: Heartbeat): void {
    const { registry, liveness } = this.#deps;
    registry.heartbeat(node, heartbeat);
    this.#deps.leaves.reported(node);
    const { factsJson } = heartbeat;
    if (factsJson !== undefined) void liveness.present(node, parseNodeFacts(factsJson, node.facts));
  }

  #nodeEvent({ nodeId, name }: AgentSession, event: NodeEvent): void {
    this.#deps.onNodeEvent?.({ id: nodeId, name }, event);
  }

  #instanceReport(session: AgentSession, node: LiveNodeState, report: InstanceReport): void {
    const assigned = report.statuses.filter((status) => session.ownInstances.has(status.instanceId));
    if (assigned.length < report.statuses.length && !session.endsInstances) {
      const foreign = report.statuses.find((status) => !session.ownInstances.has(status.instanceId));
      session.warnOnce('session.unknown_instances', {
        instance: foreign?.instanceId,
      });
    }
    this.#deps.registry.report(node, assigned, report.complete);
    this.#deps.leaves.reported(node);
    this.#deps.notify(node.id);
  }

  #desiredAck(session: AgentSession, node: LiveNodeState, ack: DesiredAck): void {
    const { clock, logger, refusalRetryMs } = this.#deps;
    const publish = (): Promise<void> => this.#deps.publish(node.id);
    if (handleDesiredAck(session, ack, { node, clock, logger, refusalRetryMs, publish })) this.#deps.notify(node.id);
  }
}
