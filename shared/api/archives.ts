import { z } from 'zod';
import { queryFlag } from './schema.ts';
import type { RouteSpec } from './route-spec.ts';

const deployLine = z.union([
  z.object({ output: z.string() }),
  /** The last line. */
  z.object({
    ok: z.boolean(),
    /** Why it failed. The output has it too. */
    reason: z.string().optional(),
  }),
]);
export type DeployLine = z.output<typeof deployLine>;

export const archiveSpecs = {
  deployArchive: {
    method: 'POST',
    path: '/apps/:app/deploys',
    summary: 'Build and release the content of a tar archive, which may be gzipped.',
    query: z.strictObject({
      /** Leave out the only folder at the top of the archive. */
      stripTop: queryFlag,
    }),
    bodyType: 'application/octet-stream',
    lines: deployLine,
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;
