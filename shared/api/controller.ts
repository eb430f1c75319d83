import { z } from 'zod';
import type { RouteSpec } from './route-spec.ts';

const keyRotatedBody = z.object({
  /** The new key: a hash of it, not the key. */
  keyId: z.string(),
  /** How many texts of the database were encrypted again: config vars, and configs of releases. */
  encrypted: z.number(),
  /** The file on the machine of the controller that has the new key. */
  keyFile: z.string(),
});
export type KeyRotatedBody = z.output<typeof keyRotatedBody>;

export const controllerSpecs = {
  rotateKey: {
    method: 'POST',
    path: '/controller/rotate-key',
    summary: 'Make a new key for the config values of the database, and encrypt every value with it.',
    answer: keyRotatedBody,
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;
