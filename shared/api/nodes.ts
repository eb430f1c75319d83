import { z } from 'zod';
import { MIN_LOST_AFTER_MS } from '../domain/lost-after.ts';
import { machineFacts, shownFacts } from '../domain/node-facts.ts';
import { sessionBody } from './attach.ts';
import { runningCommandBody } from './runs.ts';
import { desiredState, instanceState, list, problemBody, reason, textRecord, wordOf } from './schema.ts';
import type { RouteSpec } from './route-spec.ts';

/** Requests that the node's proxy could not read. */
const unreadableRequests = z.object({
  count: z.number(),
  last: z.object({ atMs: z.number(), cause: z.string() }).optional(),
});

export const nodeBody = z.object({
  name: z.string(),
  state: wordOf(['joined', 'ready', 'unreachable', 'removed']),
  connected: z.boolean(),
  /** Time since its last heartbeat; absent when none came since the controller started. */
  lastSeenMsAgo: z.number().optional(),
  builder: z.boolean().optional(),
  ...shownFacts.shape,
  platform: z.string().optional(),
  /** It is connected, and its agent's version does not fit the controller's. */
  versionTrouble: problemBody.optional(),
  /** Absent when its agent does not report it. */
  unreadableRequests: unreadableRequests.optional(),
  /** It is connected and does not follow this controller. */
  refusal: reason.optional(),
  /** Memory that programs could still use, of its last heartbeat. */
  memoryFreeBytes: z.number().optional(),
  /** Live ones, of all apps. */
  instances: z.number().optional(),
  load1: z.number().optional(),
  labels: textRecord,
  /** It gets no new instances. */
  cordoned: z.boolean().optional(),
  /** Its instances are moved to other nodes. */
  draining: z.boolean().optional(),
  /** Its instances are replaced on other nodes until it returns. */
  lost: z.boolean().optional(),
  joinedAtMs: z.number(),
  missing: list(z.string()),
  /** Why its agent cannot repair its machine or, while it is not connected, could not start. */
  trouble: reason.optional(),
});
export type NodeBody = z.output<typeof nodeBody>;

/** One instance of a node, and its planned change. */
const placedBody = z.object({
  app: z.string(),
  /** `web.1` */
  name: z.string(),
  release: z.number(),
  /** `unknown` while its node is not connected. */
  state: instanceState,
  desired: desiredState,
  /** The node on which its copy runs or starts. */
  movingTo: z.string().optional(),
  /** Why it must leave the node and cannot. */
  waits: z.string().optional(),
});
export type PlacedBody = z.output<typeof placedBody>;

const nodeInfoBody = nodeBody.extend({
  /** End of the drain, wall clock. */
  drainUntilMs: z.number().optional(),
  /** Absent while the agent has not reported it. */
  machine: machineFacts.optional(),
  placed: list(placedBody),
  /** The one-off commands that run on it. Absent: the controller is older. */
  commands: list(runningCommandBody).optional(),
  /** The sessions of users in its instances. Absent: none. */
  sessions: list(sessionBody).optional(),
  /** Certificates that its proxy does not serve, although the route table has them. Absent: none. */
  unservedCertificates: list(
    z.object({
      id: z.string(),
      message: z.string(),
      /** The former certificate, which it serves instead. */
      servedFingerprint: z.string().optional(),
    }),
  ).optional(),
});
export type NodeInfoBody = z.output<typeof nodeInfoBody>;

const plannedMoveBody = z.object({
  app: z.string(),
  instance: z.string(),
  from: z.string(),
  to: z.string(),
  state: wordOf(['planned', 'moving', 'moved', 'stayed']),
});
export type PlannedMoveBody = z.output<typeof plannedMoveBody>;

const rebalanceBody = z.object({ running: z.boolean(), moves: list(plannedMoveBody) });
export type RebalanceBody = z.output<typeof rebalanceBody>;

const lostAfterBody = z.object({
  /** Absent: the controller's default. */
  lostAfterMs: z.union([z.number(), z.literal('never')]).optional(),
  defaultMs: z.number(),
});
export type LostAfterBody = z.output<typeof lostAfterBody>;

/** One node of an upgrade of the fleet. */
const upgradeNodeBody = z.object({
  name: z.string(),
  /** 1: the first one; 0 when it is skipped. */
  wave: z.number(),
  state: wordOf(['waiting', 'upgrading', 'done', 'failed', 'skipped']),
  reason: reason.optional(),
});
export type UpgradeNodeBody = z.output<typeof upgradeNodeBody>;

/** The running upgrade, or the last one since the controller started. */
const upgradeBody = z.object({
  state: wordOf(['none', 'running', 'done', 'failed']),
  version: z.string(),
  nodes: list(upgradeNodeBody),
});
export type UpgradeBody = z.output<typeof upgradeBody>;

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const drainBody = z.strictObject({
  deadlineMs: z
    .number()
    .int()
    .min(1_000)
    .max(7 * DAY_MS)
    .default(10 * MINUTE_MS),
});
const lostAfterChange = z.strictObject({
  lostAfterMs: z.union([
    z
      .number()
      .int()
      .min(MIN_LOST_AFTER_MS)
      .max(30 * DAY_MS),
    z.literal('never'),
    z.null(),
  ]),
});

const operatorSpecs = {
  listNodes: { method: 'GET', path: '/nodes', summary: 'List the nodes of the fleet.', answer: list(nodeBody) },
  showNode: {
    method: 'GET',
    path: '/nodes/:node',
    summary: 'Show a node, and the instances and one-off commands on it that the caller may see.',
    answer: nodeInfoBody,
  },
  cordonNode: {
    method: 'POST',
    path: '/nodes/:node/cordon',
    summary: 'Give a node no new instances.',
    answer: nodeInfoBody,
  },
  uncordonNode: {
    method: 'POST',
    path: '/nodes/:node/uncordon',
    summary: 'End a cordon or a drain.',
    answer: nodeInfoBody,
  },
  drainNode: {
    method: 'POST',
    path: '/nodes/:node/drain',
    summary: 'Move all instances of a node to other nodes. One-off commands have until the deadline to end.',
    body: drainBody,
    answer: nodeInfoBody,
  },
  labelNode: {
    method: 'PATCH',
    path: '/nodes/:node/labels',
    summary: 'Set and remove labels of a node. The value null removes a label.',
    body: z.strictObject({ labels: z.record(z.string(), z.string().nullable()) }),
    answer: nodeInfoBody,
  },
  removeNode: {
    method: 'DELETE',
    path: '/nodes/:node',
    summary: 'Remove a node from the fleet and revoke its certificate.',
    query: z.strictObject({ force: z.enum(['true', 'false']).default('false') }),
  },
  startUpgrade: {
    method: 'POST',
    path: '/nodes/upgrade',
    summary: 'Upgrade the agents of nodes to the version of the controller. Without names: of all nodes.',
    status: 202,
    body: z.strictObject({ nodes: z.array(z.string().max(64)).max(10_000).default([]) }),
    answer: upgradeBody,
  },
  showUpgrade: {
    method: 'GET',
    path: '/nodes/upgrade',
    summary: 'Show the running or last upgrade of the fleet.',
    answer: upgradeBody,
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;

const movementSpecs = {
  showLostAfter: {
    method: 'GET',
    path: '/apps/:app/lost-after',
    summary: 'Show how long an app waits for a silent node.',
    answer: lostAfterBody,
  },
  setLostAfter: {
    method: 'PUT',
    path: '/apps/:app/lost-after',
    summary: 'Set how long an app waits for a silent node. The value null is the default.',
    body: lostAfterChange,
    answer: lostAfterBody,
  },
  planRebalance: {
    method: 'GET',
    path: '/rebalance',
    summary: 'Show the moves that a rebalance would make or makes.',
    answer: rebalanceBody,
  },
  showRebalanceProgress: {
    method: 'GET',
    path: '/rebalance/progress',
    summary: 'Show the moves of the running or last rebalance.',
    answer: rebalanceBody,
  },
  startRebalance: {
    method: 'POST',
    path: '/rebalance',
    summary: 'Spread instances evenly over the nodes.',
    answer: rebalanceBody,
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;

export const nodeSpecs = { ...operatorSpecs, ...movementSpecs };
