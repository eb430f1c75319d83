import { z } from 'zod';
import { desiredState, instanceState, list, reason, textRecord, wordOf } from './schema.ts';
import type { RouteSpec } from './route-spec.ts';

const exit = z.object({
  code: z.number().optional(),
  signal: z.string().optional(),
  oomKilled: z.boolean(),
  oomOfNode: z.boolean().optional(),
  atMs: z.number(),
});

const crashLoop = z.object({
  crashes: z.number(),
  withinMs: z.number().optional(),
  nextStartAtMs: z.number().optional(),
});

const instanceBody = z.object({
  /** `web.1` */
  name: z.string(),
  type: z.string(),
  release: z.number(),
  node: z.string(),
  command: z.string(),
  /** `unknown` while its node is not connected. */
  state: instanceState,
  desired: desiredState,
  startedAtMs: z.number().optional(),
  restarts: z.number(),
  lastExit: exit.optional(),
  reason: reason.optional(),
  /** False: it runs, and its health checks fail, so no proxy sends it requests. Absent: it has no such check. */
  ready: z.boolean().optional(),
  /** Wall clock of the next start while in back-off. */
  nextStartAtMs: z.number().optional(),
  /** Present after several recent crashes, also while the instance starts or is up. */
  crashLoop: crashLoop.optional(),
});
export type InstanceBody = z.output<typeof instanceBody>;

const count = z.union([z.number(), z.literal('all')]);

/** One process type: how many instances, with which limits, on which nodes. */
const processPlanBody = z.object({
  type: z.string(),
  quantity: count,
  /** Absent before the first deploy. */
  command: z.string().optional(),
  limits: z.object({
    memoryBytes: z.number(),
    pidsMax: z.number(),
    cpuMillis: z.number(),
    diskBytes: z.number(),
    diskInodes: z.number(),
  }),
  placement: z.object({
    require: textRecord,
    spread: z.string().optional(),
    onFull: wordOf(['wait', 'stop-first']),
  }),
  /** `ps:stop` stopped it. Absent from an older controller. */
  stopped: z.boolean().optional(),
});
export type ProcessPlanBody = z.output<typeof processPlanBody>;

/** Answer to a change of quantities: the process types of the request, as they are wanted now. */
const scaledBody = z.object({
  formation: list(z.object({ type: z.string(), quantity: count })),
  /** Process types of the request that are stopped, so that no instance starts. */
  stopped: list(z.string()).optional(),
});

const restartedBody = z.object({ instances: z.number() });

/** Highest limits that `ps:limits` may give each instance of an app. */
const ceilingsBody = z.object({
  ceilings: z.object({ memoryBytes: z.number(), pidsMax: z.number(), diskBytes: z.number() }),
});
export type CeilingsBody = z.output<typeof ceilingsBody>;

/** Heroku's body; the quantity may be a number, `+1`, `-1` or `all`. */
const scaleBody = z.strictObject({
  updates: z
    .array(
      z.strictObject({
        type: z.string().max(100),
        quantity: z.union([z.string().max(20), z.number().int().min(0).transform(String)]),
      }),
    )
    .min(1)
    .max(100),
});

const MIB = 1024 * 1024;
const bytes = z.number().int().max(Number.MAX_SAFE_INTEGER);
/** `reset` returns all limits of the type to the defaults. */
const limitsBody = z.union([
  z.strictObject({ reset: z.literal(true) }),
  z
    .strictObject({
      memoryBytes: bytes.min(16 * MIB).optional(),
      pidsMax: z.number().int().min(1).max(1_000_000).optional(),
      /** 0: no ceiling. */
      cpuMillis: z.union([z.literal(0), z.number().int().min(10).max(1_024_000)]).optional(),
      diskBytes: bytes.min(16 * MIB).optional(),
    })
    .refine((limits) => Object.values(limits).some((value) => value !== undefined), 'at least one limit is needed'),
]);

export type LimitsChange = z.output<typeof limitsBody>;

/** Absent fields do not change. `spread: null` spreads over nodes only; `clear` removes the whole rule. */
const placementBody = z.union([
  z.strictObject({ clear: z.literal(true) }),
  z.strictObject({
    require: z.record(z.string().max(100), z.string().max(100)).optional(),
    spread: z.string().max(100).nullable().optional(),
    onFull: z.enum(['wait', 'stop-first']).optional(),
  }),
]);
export type PlacementChange = z.output<typeof placementBody>;

const ceiling = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).nullable().optional();
/** `null`: the default again. */
const ceilingChanges = z
  .strictObject({ memoryBytes: ceiling, pidsMax: ceiling, diskBytes: ceiling })
  .refine((changes) => Object.values(changes).some((value) => value !== undefined), 'at least one ceiling is needed');
export type CeilingChanges = z.output<typeof ceilingChanges>;

export const formationSpecs = {
  listInstances: {
    method: 'GET',
    path: '/apps/:app/ps',
    summary: 'List the instances of an app.',
    answer: list(instanceBody),
  },
  showFormation: {
    method: 'GET',
    path: '/apps/:app/formation',
    summary: 'Show the process types of an app with their quantity, limits and placement.',
    answer: list(processPlanBody),
  },
  scaleApp: {
    method: 'PATCH',
    path: '/apps/:app/formation',
    summary: 'Set how many instances of process types run.',
    body: scaleBody,
    answer: scaledBody,
  },
  setLimits: {
    method: 'PATCH',
    path: '/apps/:app/formation/:type/limits',
    summary: 'Set the limits of a process type.',
    body: limitsBody,
    answer: processPlanBody,
  },
  setPlacement: {
    method: 'PATCH',
    path: '/apps/:app/formation/:type/placement',
    summary: 'Set on which nodes a process type runs.',
    body: placementBody,
    answer: processPlanBody,
  },
  restartApp: {
    method: 'POST',
    path: '/apps/:app/restart',
    summary: 'Restart the instances of an app, of a process type, or one instance.',
    body: z.strictObject({ process: z.string().max(100).optional() }),
    answer: restartedBody,
  },
  showCeilings: {
    method: 'GET',
    path: '/limits',
    summary: 'Show the highest limits that an instance may have.',
    answer: ceilingsBody,
  },
  changeCeilings: {
    method: 'PATCH',
    path: '/limits',
    summary: 'Change the highest limits that an instance may have.',
    body: ceilingChanges,
    answer: ceilingsBody,
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;
