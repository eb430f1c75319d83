import type { RouteSpec } from './route-spec.ts';

/** The protocol of the header Upgrade. After the answer 101, the connection carries frames of shared/attach/frames.ts. */
export const ATTACH_PROTOCOL = 'slipway-attach';

export const attachSpecs = {
  attachInstance: {
    method: 'GET',
    path: '/apps/:app/instances/:instance/attach',
    summary: 'Runs a command in an instance. The request must have the header Upgrade: slipway-attach.',
    status: 101,
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;
