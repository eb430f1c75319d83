import { z } from 'zod';
import { isCommandKind, isCommandTask, isTaskKind, type Task } from '../domain/task.ts';
import type { CommandTask } from '../domain/command.ts';
import type { LogLine } from '../domain/log-line.ts';
import type { AppId, InstanceId, TaskId } from '../domain/ids.ts';
import { revealAll } from '../kit/sensitive.ts';
import { badMessage, decode } from './decode.ts';
import { formOf } from './desired-form.ts';
import { encodeReason } from './encode.ts';
import { egressTable, encodeEgress } from './egress-codec.ts';
import * as field from './fields.ts';
import type { LogQuery as WireLogQuery } from './gen/slipway/v1/LogQuery.ts';
import type { StartTask as WireStartTask } from './gen/slipway/v1/StartTask.ts';
import type {
  CancelLogQuery,
  CancelTask,
  ControllerMessage,
  LogQueryMessage,
  OpenAttach,
  TaskAck,
  UnknownMessage,
  UnknownTask,
  Upgrade,
  Welcome,
} from './messages.ts';
import { countSwitches } from './switch-codec.ts';
import { encodeRoutes, routesUpdate } from './fleet-routes-codec.ts';
import { buildTask, commandTask, desiredState, epoch, reason } from './schemas.ts';
import type { WireControllerMessage, WireControllerMessageOut } from './service.ts';

type Kind = ControllerMessage['kind'];

/** Most lines a log query may ask for. */
export const MAX_QUERY_LINES = 10_000;

/** Many more than a builder runs. */
const MAX_TASKS = 1_000;

const welcome = z.object({
  heartbeatIntervalMs: z.int().min(100).max(600_000),
  epoch,
  nodeName: field.word,
  versionMismatch: field.optional(reason),
  tasks: z
    .array(z.object({ taskId: field.id<TaskId>(), outputBytes: field.count, outputLines: field.count }))
    .max(MAX_TASKS),
});
const anyTask = z.object({ taskId: field.id<TaskId>(), kind: field.word });
const cancelTask = z.object({ taskId: field.id<TaskId>() });
const taskAck = cancelTask;
const logQuery = z.object({
  queryId: field.id<string>(),
  app: field.appName,
  appId: field.emptyIsAbsent<AppId>(field.id()),
  process: field.emptyIsAbsent<string>(field.processLabel),
  source: field.emptyIsAbsent<LogLine['source']>(z.enum(['app', 'slipway'])),
  lines: z.int().min(0).max(MAX_QUERY_LINES),
  follow: z.boolean(),
});
const runChecks = z.object({ run: field.size, instanceIds: z.array(field.id<InstanceId>()).max(20_000) });
const restartLeave = z.object({ instanceId: field.id<InstanceId>(), startedAtMs: field.count });
const upgrade = z.object({ version: field.word });
const openAttach = z.object({ streamId: field.id<string>(), sandboxId: field.id<string>(), waits: z.boolean() });
const cancelLogQuery = z.object({ queryId: field.id<string>() });

const DECODERS: { readonly [K in Kind]: (wire: unknown) => Extract<ControllerMessage, { kind: K }> } = {
  welcome: (wire) => ({ kind: 'welcome', ...decode(welcome, wire, 'welcome') }),
  desired: (wire) => ({ kind: 'desired', state: decode(desiredState, wire, 'desired') }),
  startTask: (wire) => ({ kind: 'startTask', task: decodeTask(wire) }),
  cancelTask: (wire) => ({ kind: 'cancelTask', ...decode(cancelTask, wire, 'cancel_task') }),
  taskAck: (wire) => ({ kind: 'taskAck', ...decode(taskAck, wire, 'task_ack') }),
  logQuery: (wire) => ({ kind: 'logQuery', ...decode(logQuery, wire, 'log_query') }),
  runChecks: (wire) => ({ kind: 'runChecks', ...decode(runChecks, wire, 'run_checks') }),
  restartLeave: (wire) => ({ kind: 'restartLeave', ...decode(restartLeave, wire, 'restart_leave') }),
  upgrade: (wire) => ({ kind: 'upgrade', ...decode(upgrade, wire, 'upgrade') }),
  egress: (wire) => ({ kind: 'egress', table: decode(egressTable, wire, 'egress') }),
  cancelLogQuery: (wire) => ({ kind: 'cancelLogQuery', ...decode(cancelLogQuery, wire, 'cancel_log_query') }),
  countSwitches: (wire) => ({ kind: 'countSwitches', ...decode(countSwitches, wire, 'count_switches') }),
  openAttach: (wire) => ({ kind: 'openAttach', ...decode(openAttach, wire, 'open_attach') }),
  fleetRoutes: (wire) => ({ kind: 'fleetRoutes', update: decode(routesUpdate, wire, 'fleet_routes') }),
};

/** Wire → domain, validated; config is sealed. @throws SLIP_RPC_BAD_MESSAGE */
export function decodeControllerMessage(
  wire: WireControllerMessageOut,
): ControllerMessage | UnknownTask | UnknownMessage {
  const kind = wire.body;
  if (kind === undefined) return { kind: 'unknown' };
  const part = wire[kind];
  if (part === undefined || part === null) throw badMessage(`${kind} is empty`);
  return (kind === 'startTask' ? unknownTask(part) : undefined) ?? DECODERS[kind](part);
}

function decodeTask(wire: unknown): Task {
  const { kind } = decode(anyTask, wire, 'start_task');
  return isCommandKind(kind) ? decode(commandTask, wire, 'start_task') : decode(buildTask, wire, 'start_task');
}

/** Undefined for a kind that this version knows. */
function unknownTask(wire: unknown): UnknownTask | undefined {
  const { taskId, kind } = decode(anyTask, wire, 'start_task');
  return kind === '' || isTaskKind(kind) ? undefined : { kind: 'unknownTask', taskId, taskKind: kind };
}

/** Domain → wire. Reveals config: the result is for the wire alone. */
export function encodeControllerMessage(message: ControllerMessage): WireControllerMessage {
  switch (message.kind) {
    case 'welcome':
      return encodeWelcome(message);
    case 'desired':
      return { desired: formOf(message) };
    case 'startTask':
      return { startTask: encodeTask(message.task) };
    case 'logQuery':
      return { logQuery: encodeLogQuery(message) };
    case 'egress':
      return { egress: encodeEgress(message.table) };
    case 'runChecks':
      return { runChecks: { run: message.run, instanceIds: [...message.instanceIds] } };
    case 'restartLeave':
      return { restartLeave: { instanceId: message.instanceId, startedAtMs: message.startedAtMs } };
    case 'countSwitches':
      return { countSwitches: { switches: [...message.switches] } };
    case 'fleetRoutes':
      return { fleetRoutes: encodeRoutes(message.update) };
    default:
      return encodeShort(message);
  }
}

function encodeShort(message: CancelTask | TaskAck | CancelLogQuery | Upgrade | OpenAttach): WireControllerMessage {
  if (message.kind === 'cancelTask') return { cancelTask: { taskId: message.taskId } };
  if (message.kind === 'taskAck') return { taskAck: { taskId: message.taskId } };
  if (message.kind === 'upgrade') return { upgrade: { version: message.version } };
  if (message.kind === 'openAttach')
    return { openAttach: { streamId: message.streamId, sandboxId: message.sandboxId, waits: message.waits } };
  return { cancelLogQuery: { queryId: message.queryId } };
}

function encodeTask(task: Task): WireStartTask {
  if (isCommandTask(task)) return encodeCommandTask(task);
  const { root = '', cacheNumber = 0 } = task;
  return { ...task, root, cacheNumber, config: revealAll(task.config), buildpacks: [...task.buildpacks] };
}

function encodeCommandTask(given: CommandTask): WireStartTask {
  const { release, process, command, layers, env, graceMs, attached = false, ...task } = given;
  const own = { release, process, command, layers: [...layers], env: revealAll(env), graceMs, attached };
  return { ...task, config: revealAll(task.config), command: own };
}

function encodeWelcome({
  heartbeatIntervalMs,
  epoch: ours,
  nodeName,
  versionMismatch,
  tasks = [],
}: Welcome): WireControllerMessage {
  const mismatch = versionMismatch === undefined ? {} : { versionMismatch: encodeReason(versionMismatch) };
  return { welcome: { heartbeatIntervalMs, epoch: ours, nodeName, ...mismatch, tasks: [...tasks] } };
}

function encodeLogQuery(message: LogQueryMessage): WireLogQuery {
  const { queryId, app, appId = '', process = '', source = '', lines, follow } = message;
  return { queryId, app, appId, process, source, lines: Math.min(lines, MAX_QUERY_LINES), follow };
}
