import { z } from 'zod';
import { wordOf } from './schema.ts';
import type { RouteSpec } from './route-spec.ts';

/** The protocol of the header Upgrade. After the answer 101, the connection carries frames of shared/attach/frames.ts. */
export const ATTACH_PROTOCOL = 'slipway-attach';

/** A session of a user in an instance: `ps:exec`, `ps:forward` or `ps:copy`. */
export const sessionBody = z.object({
  app: z.string(),
  /** `web.1` */
  instance: z.string(),
  /** The release of the instance. */
  release: z.number(),
  node: z.string(),
  user: z.string(),
  purpose: wordOf(['shell', 'command', 'forward', 'copy']),
  openedAtMs: z.number(),
});
export type SessionBody = z.output<typeof sessionBody>;

export const attachSpecs = {
  attachInstance: {
    method: 'GET',
    path: '/apps/:app/instances/:instance/attach',
    summary: 'Runs a command in an instance. The request must have the header Upgrade: slipway-attach.',
    status: 101,
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;
