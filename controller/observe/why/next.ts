import { DEFAULT_LIMITS } from '../../../shared/domain/assignment.ts';
import { doubledMemory } from './format.ts';

/** The subject of a cause, as far as the next command needs it. */
export interface About {
  readonly app: string;
  /** `web.1`, if the cause concerns one instance. */
  readonly instance?: string | undefined;
  readonly type?: string | undefined;
  readonly node?: string | undefined;
  readonly memoryBytes?: number | undefined;
  readonly buildId?: string | undefined;
}

type Next = (about: About) => string;

const logs: Next = ({ app, instance }) => `slipway logs -a ${app}${instance === undefined ? '' : ` -p ${instance}`}`;
const checks: Next = ({ app }) => `slipway checks -a ${app}`;
const config: Next = ({ app }) => `slipway config -a ${app}`;
export const PUSH_AGAIN = 'git push slipway main';
const buildOutput: Next = ({ app, buildId }) =>
  `slipway builds:output${buildId === undefined ? '' : ` ${buildId}`} -a ${app}`;
const moreMemory: Next = ({ app, type, memoryBytes }) =>
  `slipway ps:limits ${type ?? 'web'} --memory ${doubledMemory(memoryBytes ?? DEFAULT_LIMITS.memoryBytes)} -a ${app}`;
const makeRoom: Next = ({ app, node }) => (node === undefined ? `slipway ps -a ${app}` : `slipway nodes:drain ${node}`);

/** Error code → the command that solves the problem, or shows what the user must solve. */
const NEXT: Readonly<Record<string, Next>> = {
  SLIP_APP_OUT_OF_MEMORY: moreMemory,
  SLIP_APP_NODE_OUT_OF_MEMORY: () => 'slipway nodes',
  // Many servers read their address from HOST. If a server does not, its code must change before the push.
  SLIP_APP_LOOPBACK_ONLY: ({ app }) => `slipway config:set HOST=0.0.0.0 -a ${app} && ${PUSH_AGAIN}`,
  SLIP_APP_ENVIRONMENT: config,
  SLIP_CHECK_READINESS: checks,
  SLIP_CHECK_STARTUP: checks,
  SLIP_CONFIG_SIZE: config,
  SLIP_DISPATCH_SIZE: config,
  SLIP_DISK_FULL: makeRoom,
  SLIP_BUILD_NO_BUILDER: () => 'slipway builders',
  SLIP_BUILDER_LOST: () => PUSH_AGAIN,
  SLIP_BUILD_NODE_OUT_OF_MEMORY: () => PUSH_AGAIN,
  SLIP_BUILD_INTERRUPTED: () => PUSH_AGAIN,
  SLIP_BUILD_CANCELLED: () => PUSH_AGAIN,
  SLIP_RELEASE_OVERTAKEN: () => PUSH_AGAIN,
};

export function nextFor(code: string, about: About): string {
  const next = NEXT[code] ?? (code.startsWith('SLIP_BUILD_') || code.startsWith('SLIP_SLUG_') ? buildOutput : logs);
  return next(about);
}
