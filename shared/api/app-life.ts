import { z } from 'zod';
import { appBody, lockBody, stoppedBody } from './apps.ts';
import { PAGE_BYTES_MAX } from '../domain/fleet-routes.ts';
import { list, problemBody } from './schema.ts';
import type { RouteSpec } from './route-spec.ts';

/** The process types of the request. `stopped`: what is stopped now; absent: nothing. */
const stopBody = z.object({
  types: list(z.string()),
  stopped: stoppedBody.optional(),
});
export type StopBody = z.output<typeof stopBody>;

const stopRequest = z.strictObject({ process: z.string().max(100).optional() });

const renamedBody = appBody.extend({
  /** Nodes that do not follow the change of the routes. */
  problems: list(problemBody),
});

const LOCK_REASON_MAX = 200;

const lockReason = z
  .string()
  .trim()
  .min(1)
  .max(LOCK_REASON_MAX)
  .regex(/^\P{C}*$/u, 'it is one line of text without control characters');

const maintenanceBody = z.object({
  maintenance: z.boolean(),
  /** Bytes of the page that the owner gave; absent: the page of Slipway. */
  pageBytes: z.number().optional(),
  /** Nodes whose proxies do not follow. */
  problems: list(problemBody),
});
export type MaintenanceBody = z.output<typeof maintenanceBody>;

const page = z
  .string()
  .min(1)
  .refine((text) => Buffer.byteLength(text) <= PAGE_BYTES_MAX, `it has at most ${String(PAGE_BYTES_MAX)} bytes`);

export const appLifeSpecs = {
  showMaintenance: {
    method: 'GET',
    path: '/apps/:app/maintenance',
    summary: 'Show whether an app is in maintenance.',
    answer: maintenanceBody,
  },
  startMaintenance: {
    method: 'PUT',
    path: '/apps/:app/maintenance',
    summary: 'Answer all web requests of an app with status 503, optionally with a page of the owner.',
    body: z.strictObject({ page: page.optional() }),
    answer: maintenanceBody,
  },
  endMaintenance: {
    method: 'DELETE',
    path: '/apps/:app/maintenance',
    summary: 'Send web requests to the app again.',
    answer: maintenanceBody,
  },
  renameApp: {
    method: 'PATCH',
    path: '/apps/:app',
    summary: 'Rename an app. Its instances keep running.',
    body: z.strictObject({ name: z.string().max(200) }),
    answer: renamedBody,
  },
  stopApp: {
    method: 'POST',
    path: '/apps/:app/stop',
    summary: 'Stop all process types of an app, or one, until they are started.',
    body: stopRequest,
    answer: stopBody,
  },
  startApp: {
    method: 'POST',
    path: '/apps/:app/start',
    summary: 'Start the stopped process types of an app, or one.',
    body: stopRequest,
    answer: stopBody,
  },
  lockApp: {
    method: 'PUT',
    path: '/apps/:app/lock',
    summary: 'Refuse deploys of an app until it is unlocked.',
    body: z.strictObject({ why: lockReason }),
    answer: lockBody,
  },
  unlockApp: { method: 'DELETE', path: '/apps/:app/lock', summary: 'Allow deploys of an app again.' },
} as const satisfies Readonly<Record<string, RouteSpec>>;
