import type { Limits } from '../../shared/domain/assignment.ts';
import type { CommandKind, CommandTask } from '../../shared/domain/command.ts';
import type { ScriptName } from '../../shared/domain/deploy-scripts.ts';
import type { NodeId, TaskId, UserId } from '../../shared/domain/ids.ts';
import { sayReasons } from '../../shared/domain/placement.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { RandomId } from '../../shared/kit/random-id.ts';
import type { ConfigVars } from '../../shared/kit/sensitive.ts';
import { SerialQueue } from '../../shared/kit/serial-queue.ts';
import { appShape, planNodes } from '../assignments/planner-inputs.ts';
import type { CommandRunner } from '../dispatch/commands.ts';
import type { Fleet } from '../dispatch/port.ts';
import type { App } from '../domain/apps.ts';
import { COMMAND_OUTPUT_BYTES, type CommandRow, type NewCommand } from '../domain/commands.ts';
import { CRON_OUTPUT_BYTES } from '../domain/cron.ts';
import type { Release } from '../domain/releases.ts';
import { limitsOf, needsOf } from '../schedule/demands.ts';
import type { Store } from '../store/port.ts';
import { planOneOff } from './plan-node.ts';
import { titleOf } from './release-step.ts';

export interface OneOffsDeps {
  readonly store: Store;
  readonly fleet: Pick<Fleet, 'nodes'>;
  readonly commands: CommandRunner;
  readonly randomId: RandomId;
}

export interface OneOffRequest {
  readonly kind: CommandKind;
  readonly release: Release;
  readonly command: string;
  /** The script of app.json that a release runs. */
  readonly script?: ScriptName | undefined;
  /** Its limits and its placement rule are those of this process type. */
  readonly processType: string;
  readonly memoryBytes?: number | undefined;
  readonly env?: ConfigVars | undefined;
  readonly timeoutMs: number;
  /** Name of the only possible node. */
  readonly node?: string | undefined;
  readonly userId?: UserId | undefined;
  /** Writes the command to the database. Default: as it is. */
  readonly record?: ((command: NewCommand) => Promise<CommandRow>) | undefined;
  /** The command waits for a user. */
  readonly attached?: boolean | undefined;
}

/** One-off commands of users that one app may run at once. */
const RUNNING_MAX = 20;
/** As long as instances have. */
const GRACE_MS = 30_000;

/** Starts commands of apps on nodes. */
export class OneOffs {
  readonly #deps: OneOffsDeps;
  /** One choice at a time, so that two commands do not get the same memory. */
  readonly #choices = new SerialQueue();

  constructor(deps: OneOffsDeps) {
    this.#deps = deps;
  }

  /** Records the command and sends it to a node. @throws SLIP_COMMAND_LIMIT, SLIP_COMMAND_NO_NODE, SLIP_COMMAND_EXISTS, SLIP_TASK_KIND */
  async start(app: App, request: OneOffRequest): Promise<CommandRow> {
    const { store, commands } = this.#deps;
    const shape = await appShape(store, app.id, request.release.slug);
    const limits = withMemory(limitsOf(shape.settings, request.processType), request.memoryBytes);
    const needs = { ...needsOf(shape, request.processType), memoryBytes: limits.memoryBytes };
    const row = await this.#choices.add(async () => {
      if (request.kind === 'run') await this.#checkNumber(app);
      const nodeId = await this.#choose(app, request, needs);
      const { record = (command) => store.createCommand(command) } = request;
      return await record(this.#newCommand(app, request, { nodeId, limits }));
    });
    await commands.start(row, taskOf(app, request, { row, limits }));
    return row;
  }

  async stop({ id }: CommandRow): Promise<void> {
    await this.#deps.commands.cancel(id);
  }

  /** @throws SLIP_COMMAND_LIMIT */
  async #checkNumber(app: App): Promise<void> {
    const running = (await this.#deps.store.unfinishedCommands(app.id)).filter(({ kind }) => kind === 'run');
    if (running.length >= RUNNING_MAX) throw tooMany(app);
  }

  async #choose(app: App, request: OneOffRequest, needs: ReturnType<typeof needsOf>): Promise<NodeId> {
    const { store, fleet, commands } = this.#deps;
    const [nodes, rows] = await Promise.all([planNodes(store, fleet), store.assignmentsOfApp(app.id)]);
    const able = new Set(nodes.flatMap(({ nodeId }) => (commands.takes(nodeId, request.attached) ? [nodeId] : [])));
    const withLayers = new Set(rows.map(({ nodeId }) => nodeId));
    const plan = planOneOff({ nodes, needs, able, withLayers, only: request.node });
    if ('nodeId' in plan) return plan.nodeId;
    throw noNode(app, request, plan.reasons);
  }

  #newCommand(
    app: App,
    { kind, release, command, script, timeoutMs, userId }: OneOffRequest,
    { nodeId, limits }: { readonly nodeId: NodeId; readonly limits: Limits },
  ): NewCommand {
    const id = this.#deps.randomId() as TaskId;
    const { memoryBytes } = limits;
    return {
      ...{ id, kind, appId: app.id, nodeId, release: release.version, command, memoryBytes },
      ...{ timeoutMs, graceMs: GRACE_MS, label: script, userId },
    };
  }
}

function taskOf(
  app: App,
  { release, env = {}, attached }: OneOffRequest,
  { row, limits }: { readonly row: CommandRow; readonly limits: Limits },
): CommandTask {
  const { kind, command, process, timeoutMs, graceMs } = row;
  const { slug, config, version } = release;
  return {
    ...{ kind, taskId: row.id, appId: app.id, app: app.name, uidBase: app.uidBase, release: version, process, command },
    ...{ layers: slug.layers, stack: slug.stack, commit: slug.commit, config, env, limits },
    ...{ timeoutMs, graceMs, outputLimitBytes: kind === 'cron' ? CRON_OUTPUT_BYTES : COMMAND_OUTPUT_BYTES, attached },
  };
}

function withMemory(limits: Limits, memoryBytes: number | undefined): Limits {
  return memoryBytes === undefined ? limits : { ...limits, memoryBytes };
}

function tooMany({ name }: App): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_COMMAND_LIMIT',
    kind: 'conflict',
    message: `${name} runs ${String(RUNNING_MAX)} one-off commands, and more are not allowed at once.`,
    hint: `See them with: slipway run:list -a ${name}. Stop one with: slipway run:stop NAME -a ${name}`,
  });
}

function noNode(
  app: App,
  { kind, node, script }: OneOffRequest,
  reasons: Readonly<Record<string, string>>,
): SlipwayError {
  const none = node === undefined ? 'no node has joined' : `there is no node ${node}`;
  const what = kind === 'release' ? titleOf({ script }) : 'The command';
  return new SlipwayError({
    code: 'SLIP_COMMAND_NO_NODE',
    kind: 'conflict',
    message: `${what} of ${app.name} cannot be placed: ${sayReasons(reasons, none)}.`,
    hint: 'Look at the nodes with: slipway status',
  });
}
