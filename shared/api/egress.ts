import { z } from 'zod';
import { list, problemBody } from './schema.ts';
import type { RouteSpec } from './route-spec.ts';

const cidrs = list(z.string());

/** The list of the fleet. */
const egressBody = z.object({
  cidrs,
  /** Apps with a list of their own; only for administrators. */
  apps: list(z.object({ app: z.string(), cidrs })).optional(),
});
export type EgressBody = z.output<typeof egressBody>;

/** The list of one app, and the list of the fleet, which applies to it too. */
const appEgressBody = z.object({ app: z.string(), cidrs, fleet: cidrs });
export type AppEgressBody = z.output<typeof appEgressBody>;

/** The change is made when the answer comes. The problems name the nodes that do not follow it. */
const egressChangedBody = z.object({ cidr: z.string(), problems: list(problemBody) });
export type EgressChangedBody = z.output<typeof egressChangedBody>;

const addBody = z.strictObject({ cidr: z.string().max(100) });

export const egressSpecs = {
  showEgress: {
    method: 'GET',
    path: '/egress',
    summary: 'Show the private networks that every app may reach.',
    answer: egressBody,
  },
  addEgress: {
    method: 'POST',
    path: '/egress',
    summary: 'Let every app reach a private network.',
    body: addBody,
    answer: egressChangedBody,
  },
  removeEgress: {
    method: 'DELETE',
    path: '/egress/:cidr',
    summary: 'Close a private network to every app.',
    answer: egressChangedBody,
  },
  showAppEgress: {
    method: 'GET',
    path: '/apps/:app/egress',
    summary: 'Show the private networks that an app may reach.',
    answer: appEgressBody,
  },
  addAppEgress: {
    method: 'POST',
    path: '/apps/:app/egress',
    summary: 'Let an app reach a private network.',
    body: addBody,
    answer: egressChangedBody,
  },
  removeAppEgress: {
    method: 'DELETE',
    path: '/apps/:app/egress/:cidr',
    summary: 'Close a private network to an app.',
    answer: egressChangedBody,
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;
