import { z } from 'zod';
import { sessionBody } from './attach.ts';
import { switchFields } from './releases.ts';
import { instanceState, list, reason, wordOf } from './schema.ts';
import type { RouteSpec } from './route-spec.ts';

/** What the newest deploy of an app does, or how it ended. A config change is a deploy without a build. */
const deployBody = z.object({
  /** `none`: the app was never deployed. `waiting`: for its turn, for room, or for the release command. */
  phase: wordOf(['none', 'queued', 'building', 'waiting', 'starting', 'settling', 'live', 'failed', 'cancelled']),
  running: z.boolean(),
  build: z.object({ id: z.string(), commit: z.string(), node: z.string().optional() }).optional(),
  /** Absent before the release exists. */
  version: z.number().optional(),
  user: z.string().optional(),
  startedAtMs: z.number().optional(),
  failure: reason.optional(),
  /** The command of the release that runs now. `script` is its name in app.json; absent: it is the release command. */
  command: z
    .object({ name: z.string(), script: z.string().optional(), node: z.string(), startedAtMs: z.number() })
    .optional(),
  ...switchFields,
  /** Instances of the release. */
  instances: list(z.object({ name: z.string(), node: z.string(), state: instanceState })),
  /** The sessions of users in instances that the release replaces. Absent: none. */
  sessions: list(sessionBody).optional(),
  /** Answer of an abort that ended no deploy: it stopped the scripts of a release that was live already. */
  stoppedScripts: z.object({ version: z.number(), liveVersion: z.number() }).optional(),
});
export type DeployBody = z.output<typeof deployBody>;

export const deploySpecs = {
  showDeploy: {
    method: 'GET',
    path: '/apps/:app/deploy',
    summary: 'Show what the newest deploy of an app does, or how it ended.',
    answer: deployBody,
  },
  abortDeploy: {
    method: 'POST',
    path: '/apps/:app/deploy/abort',
    summary:
      'End the running build or rollout. The release before it keeps serving. After the rollout, stop the scripts.',
    answer: deployBody,
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;
