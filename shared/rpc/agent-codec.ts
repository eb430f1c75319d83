import { toReason } from '../domain/instance.ts';
import { certificatesServed, encodeServed } from './certificate-codec.ts';
import { z } from 'zod';
import type { AppName } from '../domain/names.ts';
import type { AppId, TaskId } from '../domain/ids.ts';
import { clip } from './clip.ts';
import { encodeBuildResult, encodeCommandResult, encodeLogLine, encodeReason, encodeStatuses } from './encode.ts';
import { badMessage, decode } from './decode.ts';
import * as field from './fields.ts';
import { FACTS_JSON_MAX, nodeFacts, parseNodeFacts, writeNodeFacts, type NodeFacts } from '../domain/node-facts.ts';
import { encodeFigures, nodeFigures } from './switch-codec.ts';
import type { AgentMessage, Heartbeat, Hello, TaskOutcome, UnknownMessage } from './messages.ts';
import { buildResult, commandResult, epoch, instanceStatus, logLine, reason } from './schemas.ts';
import type { WireAgentMessage, WireAgentMessageOut } from './service.ts';

type Kind = AgentMessage['kind'];

const factsJson = z.string().max(FACTS_JSON_MAX);

const facts = nodeFacts.omit({ agentVersion: true, machine: true }).extend({ json: factsJson });

const hello = z
  .object({
    agentVersion: field.word,
    facts,
    epoch: field.optional(epoch),
    generation: field.count,
    cachedAppIds: z.array(field.id()).max(10_000),
    runningTaskIds: z.array(field.id<TaskId>()).max(1_000),
    takesFleetRoutes: z.boolean(),
    fleetRoutesDigest: field.emptyIsAbsent<string>(field.word),
    bootId: field.emptyIsAbsent<string>(field.word),
    takesReleases: z.boolean(),
    takesEgress: z.boolean(),
    takesDestroyed: z.boolean(),
    routesByAppId: z.boolean(),
    takesMaintenance: z.boolean(),
    takesCacheNumber: z.boolean(),
    takesAttach: z.boolean(),
    countsSwitches: z.boolean(),
    takesCertificates: z.boolean(),
    takesEdgeSettings: z.boolean(),
    taskKinds: z
      .array(field.word)
      .max(100)
      .transform((kinds) => (kinds.length === 0 ? undefined : kinds)),
    checkProbes: z
      .array(field.word)
      .max(100)
      .transform((probes) => (probes.length === 0 ? undefined : probes)),
  })
  .transform(({ agentVersion, facts: { json, ...numbered }, epoch: known, generation, ...rest }) => ({
    ...rest,
    facts: parseNodeFacts(json, { agentVersion, ...numbered }),
    acceptedState: known === undefined ? undefined : { epoch: known, generation },
  }));

const heartbeat = z.object({
  diskFreeBytes: field.count,
  load1: field.amount,
  memoryFreeBytes: field.count,
  unreachablePeerIds: z.array(field.id()).max(1_000),
  host: field.optional(z.object({ missing: z.array(field.text).max(100), failure: field.optional(reason) })),
  unreadableRequests: field.optional(
    z.object({ count: field.count, last: field.optional(z.object({ atMs: field.count, cause: field.text })) }),
  ),
  factsJson: field.emptyIsAbsent<string>(factsJson),
});

const desiredAck = z
  .object({ generation: field.count, accepted: z.boolean(), reason: field.optional(reason) })
  .refine((ack) => ack.accepted || ack.reason !== undefined, 'refuses without a reason')
  .transform(({ generation, accepted, reason: why }) => ({ generation, reason: accepted ? undefined : why }));

const routesAck = z
  .object({ version: field.count, accepted: z.boolean(), reason: field.optional(reason) })
  .refine((ack) => ack.accepted || ack.reason !== undefined, 'refuses without a reason')
  .transform(({ version, accepted, reason: why }) => ({ version, reason: accepted ? undefined : why }));

const destroyedAck = z.object({ appIds: z.array(field.id<AppId>()).max(1_000) });

const instanceReport = z.object({ statuses: z.array(instanceStatus).max(20_000), complete: z.boolean() });

const chunk = z.custom<Uint8Array>(
  (value) => value instanceof Uint8Array && value.length <= field.MAX_CHUNK_BYTES,
  'is too long',
);
const taskOutput = z.object({ taskId: field.id<TaskId>(), chunk });

const outcome = z.discriminatedUnion('outcome', [
  z
    .object({ outcome: z.literal('build'), build: buildResult })
    .transform(({ build }) => ({ ok: true as const, result: build })),
  z
    .object({ outcome: z.literal('command'), command: commandResult })
    .transform(({ command }) => ({ ok: true as const, result: command })),
  z
    .object({ outcome: z.literal('failure'), failure: reason })
    .transform(({ failure }) => ({ ok: false as const, failure })),
]);

const logChunk = z.object({
  queryId: field.id<string>(),
  lines: z.array(logLine).max(field.MAX_LOG_LINES),
  end: z.boolean(),
  failure: field.optional(reason),
});

const nodeEvent = z.object({
  atMs: field.count,
  reason,
  app: field.emptyIsAbsent<AppName>(field.appName),
  process: field.emptyIsAbsent<string>(field.processLabel),
});

const DECODERS: { readonly [K in Kind]: (wire: unknown) => Extract<AgentMessage, { kind: K }> } = {
  hello: (wire): Hello => ({ kind: 'hello', ...decode(hello, wire, 'hello') }),
  heartbeat: (wire) => ({ kind: 'heartbeat', ...decode(heartbeat, wire, 'heartbeat') }),
  desiredAck: (wire) => ({ kind: 'desiredAck', ...decode(desiredAck, wire, 'desired_ack') }),
  instanceReport: (wire) => ({ kind: 'instanceReport', ...decode(instanceReport, wire, 'instance_report') }),
  taskOutput: (wire) => ({ kind: 'taskOutput', ...decode(taskOutput, wire, 'task_output') }),
  taskResult: (wire) => {
    const { taskId } = decode(z.object({ taskId: field.id<TaskId>() }), wire, 'task_result');
    return { kind: 'taskResult', taskId, outcome: decodeOutcome(wire) };
  },
  logChunk: (wire) => ({ kind: 'logChunk', ...decode(logChunk, wire, 'log_chunk') }),
  nodeEvent: (wire) => ({ kind: 'nodeEvent', ...decode(nodeEvent, wire, 'node_event') }),
  destroyedAck: (wire) => ({ kind: 'destroyedAck', ...decode(destroyedAck, wire, 'destroyed_ack') }),
  routesAck: (wire) => ({ kind: 'routesAck', ...decode(routesAck, wire, 'routes_ack') }),
  switchFigures: (wire) => ({ kind: 'switchFigures', ...decode(nodeFigures, wire, 'switch_figures') }),
  certificatesServed: (wire) => ({
    kind: 'certificatesServed',
    ...decode(certificatesServed, wire, 'certificates_served'),
  }),
};

/** An invalid result counts as a failure of its task, so that the task ends. */
function decodeOutcome(wire: unknown): TaskOutcome {
  try {
    return decode(outcome, wire, 'task_result');
  } catch (error) {
    return { ok: false, failure: toReason(error) };
  }
}

/** Wire → domain, validated. @throws SLIP_RPC_BAD_MESSAGE */
export function decodeAgentMessage(wire: WireAgentMessageOut): AgentMessage | UnknownMessage {
  const kind = wire.body;
  if (kind === undefined) return { kind: 'unknown' };
  const part = wire[kind];
  if (part === undefined || part === null) throw badMessage(`${kind} is empty`);
  return DECODERS[kind](part);
}

const ENCODERS: { readonly [K in Kind]: (message: Extract<AgentMessage, { kind: K }>) => WireAgentMessage } = {
  hello: (message) => ({ hello: encodeHello(message) }),
  heartbeat: (message) => ({ heartbeat: encodeHeartbeat(message) }),
  desiredAck: (message) => ({ desiredAck: encodeAck(message) }),
  instanceReport: ({ statuses, complete }) => ({ instanceReport: { statuses: encodeStatuses(statuses), complete } }),
  taskOutput: ({ taskId, chunk: bytes }) => ({ taskOutput: { taskId, chunk: bytes } }),
  taskResult: (message) => ({ taskResult: { taskId: message.taskId, ...encodeOutcome(message.outcome) } }),
  logChunk: (message) => ({ logChunk: encodeLogChunk(message) }),
  nodeEvent: ({ atMs, reason: cause, app, process }) => ({
    nodeEvent: { atMs, reason: encodeReason(cause), app: app ?? '', process: process ?? '' },
  }),
  destroyedAck: ({ appIds }) => ({ destroyedAck: { appIds: [...appIds] } }),
  switchFigures: ({ kind: _, ...figures }) => ({ switchFigures: encodeFigures(figures) }),
  certificatesServed: ({ kind: _, ...served }) => ({ certificatesServed: encodeServed(served) }),
  routesAck: ({ version, reason: why }) => ({
    routesAck: {
      version,
      accepted: why === undefined,
      ...(why === undefined ? {} : { reason: encodeReason(why) }),
    },
  }),
};

/** Domain → wire. Over-long free text is clipped. */
export function encodeAgentMessage(message: AgentMessage): WireAgentMessage {
  const encode = ENCODERS[message.kind] as (message: AgentMessage) => WireAgentMessage;
  return encode(message);
}

function encodeHello({
  facts: { agentVersion, ...others },
  acceptedState,
  cachedAppIds,
  runningTaskIds,
  ...routes
}: Hello): NonNullable<WireAgentMessage['hello']> {
  return {
    agentVersion,
    facts: encodeFacts(others),
    cachedAppIds: cachedAppIds.slice(0, 10_000),
    runningTaskIds: [...runningTaskIds],
    ...encodeTakes(routes),
    takesCertificates: routes.takesCertificates ?? false,
    takesEdgeSettings: routes.takesEdgeSettings ?? false,
    fleetRoutesDigest: routes.fleetRoutesDigest ?? '',
    bootId: routes.bootId ?? '',
    taskKinds: [...(routes.taskKinds ?? [])],
    checkProbes: [...(routes.checkProbes ?? [])],
    ...(acceptedState === undefined ? {} : { epoch: acceptedState.epoch, generation: acceptedState.generation }),
  };
}

/** What the agent understands. */
function encodeTakes(hello: Partial<Hello>) {
  return {
    takesFleetRoutes: hello.takesFleetRoutes ?? false,
    takesReleases: hello.takesReleases ?? false,
    takesEgress: hello.takesEgress ?? false,
    takesDestroyed: hello.takesDestroyed ?? false,
    routesByAppId: hello.routesByAppId ?? false,
    takesMaintenance: hello.takesMaintenance ?? false,
    takesCacheNumber: hello.takesCacheNumber ?? false,
    takesAttach: hello.takesAttach ?? false,
    countsSwitches: hello.countsSwitches ?? false,
  };
}

function encodeFacts(
  facts: Omit<NodeFacts, 'agentVersion'>,
): NonNullable<NonNullable<WireAgentMessage['hello']>['facts']> {
  const { missing, stacks, ...others } = facts;
  const { meshAddress = '', sandboxSubnet = '', routeNamesMax = 0 } = facts;
  const lists = { stacks: [...stacks], missing: clipAll(missing) };
  return { ...others, ...lists, meshAddress, sandboxSubnet, routeNamesMax, json: writeNodeFacts(others) };
}

function encodeHeartbeat(message: Heartbeat): NonNullable<WireAgentMessage['heartbeat']> {
  const {
    kind: _,
    unreachablePeerIds = [],
    host,
    unreadableRequests: unreadable,
    factsJson: json = '',
    ...rest
  } = message;
  const failure = host?.failure === undefined ? {} : { failure: encodeReason(host.failure) };
  return {
    ...rest,
    factsJson: json,
    unreachablePeerIds: unreachablePeerIds.slice(0, 1_000),
    ...(host === undefined ? {} : { host: { missing: clipAll(host.missing), ...failure } }),
    ...(unreadable === undefined ? {} : { unreadableRequests: encodeUnreadable(unreadable) }),
  };
}

function encodeUnreadable({ count, last }: NonNullable<Heartbeat['unreadableRequests']>): {
  count: number;
  last?: { atMs: number; cause: string };
} {
  return last === undefined ? { count } : { count, last: { atMs: last.atMs, cause: clip(last.cause) } };
}

function clipAll(lines: readonly string[]): string[] {
  return lines.slice(0, 100).map((line) => clip(line));
}

function encodeAck({
  generation,
  reason: why,
}: Extract<AgentMessage, { kind: 'desiredAck' }>): NonNullable<WireAgentMessage['desiredAck']> {
  return {
    generation,
    accepted: why === undefined,
    ...(why === undefined ? {} : { reason: encodeReason(why) }),
  };
}

function encodeOutcome(
  outcome: Extract<AgentMessage, { kind: 'taskResult' }>['outcome'],
): NonNullable<WireAgentMessage['taskResult']> {
  if (!outcome.ok) return { failure: encodeReason(outcome.failure) };
  const { result } = outcome;
  return 'slug' in result ? { build: encodeBuildResult(result) } : { command: encodeCommandResult(result) };
}

function encodeLogChunk(
  message: Extract<AgentMessage, { kind: 'logChunk' }>,
): NonNullable<WireAgentMessage['logChunk']> {
  return {
    queryId: message.queryId,
    lines: message.lines.map(encodeLogLine),
    end: message.end,
    ...(message.failure === undefined ? {} : { failure: encodeReason(message.failure) }),
  };
}
