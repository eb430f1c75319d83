import { z } from 'zod';
import { parseAppName } from '../../../shared/domain/names.ts';
import { appIdColumn, flag, whole } from './rows.ts';

const optional = <T extends z.ZodType>(schema: T) => z.union([z.null().transform(() => undefined), schema]);

export const hstsRow = z.strictObject({ maxAgeS: whole, includeSubdomains: flag, preload: flag });
export const routedAppRow = z
  .strictObject({
    appId: appIdColumn,
    app: z.string().transform(parseAppName),
    release: optional(whole),
    domains: z.array(z.string()),
    createdAtMs: whole,
    maintenance: flag,
    page: optional(z.string()),
    redirects: optional(flag),
    canonical: optional(z.string()),
    ...{ maxAgeS: optional(whole), includeSubdomains: optional(flag), preload: optional(flag) },
  })
  .transform(({ maintenance, page, redirects, canonical, maxAgeS, includeSubdomains, preload, ...app }) => ({
    ...app,
    ...(redirects === false ? { redirects } : {}),
    ...(canonical === undefined ? {} : { canonical }),
    ...(maxAgeS === undefined
      ? {}
      : { hsts: { maxAgeS, includeSubdomains: includeSubdomains === true, preload: preload === true } }),
    ...(maintenance ? { maintenance: page === undefined ? {} : { page } } : {}),
  }));
