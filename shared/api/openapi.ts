import { z } from 'zod';
import type { RouteSpec } from './route-spec.ts';

export const openApiSpecs = {
  showOpenApi: {
    method: 'GET',
    path: '/openapi.json',
    atRoot: true,
    summary: 'Describe this API as an OpenAPI document.',
    answer: z.record(z.string(), z.unknown()),
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;
