import { z } from 'zod';
import { errorBody } from '../../shared/api/schema.ts';
import type { RouteSpec } from '../../shared/api/route-spec.ts';
import type { RouteAccess } from './deps.ts';
import type { Route } from './route.ts';

type Json = Readonly<Record<string, unknown>>;

/** What callers send with a request, by the `auth` of its route. */
const SECURITY: Readonly<Record<RouteAccess['auth'], readonly Json[]>> = {
  anonymous: [],
  user: [{ token: [] }],
  admin: [{ token: [] }],
  node: [{ nodeCertificate: [] }],
};
/** As a caller sends it. A transformation has no schema. */
const REQUEST = { io: 'input', unrepresentable: 'any' } as const;
const ONLY_ADMINISTRATORS = 'Only administrators may call this.';

/** The API as an OpenAPI 3.1 document. Pure. */
export function openApiDocument(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const path = `${route.spec.atRoot === true ? '' : '/v1'}${route.spec.path.replace(/:(\w+)/g, '{$1}')}`;
    (paths[path] ??= {})[route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Slipway',
      description: 'The API of a Slipway controller. Times are in ms since the epoch.',
      version,
    },
    paths,
    components: {
      schemas: { Error: answerSchema(errorBody) },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'An API token of a user.' },
        nodeCertificate: { type: 'mutualTLS', description: 'The certificate of a node.' },
      },
    },
  };
}

function operation({ id, spec, auth }: Route): Json {
  const parameters = [...pathParameters(spec), ...queryParameters(spec)];
  return {
    operationId: id,
    summary: spec.summary,
    ...(auth === 'admin' ? { description: ONLY_ADMINISTRATORS } : {}),
    security: SECURITY[auth],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...requestBody(spec),
    responses: {
      [String(successStatus(spec))]: success(spec),
      default: { description: 'The request failed.', content: content('application/json', refTo('Error')) },
    },
  };
}

function pathParameters({ path }: RouteSpec): readonly Json[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters({ query }: RouteSpec): readonly Json[] {
  const { properties = {} } = query === undefined ? {} : z.toJSONSchema(query, REQUEST);
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: false, schema }));
}

function requestBody({ body, bodyType }: RouteSpec): Json {
  if (bodyType !== undefined) return { requestBody: { required: true, content: content(bodyType) } };
  if (body === undefined) return {};
  return { requestBody: { required: true, content: content('application/json', requestSchema(body)) } };
}

function successStatus({ status, answer, lines, answerType }: RouteSpec): number {
  const hasAnswer = answer !== undefined || lines !== undefined || answerType !== undefined;
  return status ?? (hasAnswer ? 200 : 204);
}

function success({ method, answer, lines, answerType }: RouteSpec): Json {
  const all = {
    ...(answer === undefined ? {} : content('application/json', answerSchema(answer))),
    ...(lines === undefined ? {} : content('application/x-ndjson', answerSchema(lines))),
    ...(answerType === undefined || method === 'HEAD' ? {} : content(answerType)),
  };
  return { description: 'The request succeeded.', ...(Object.keys(all).length === 0 ? {} : { content: all }) };
}

/** Without a schema: bytes or text. */
function content(type: string, schema?: Json): Record<string, Json> {
  return { [type]: schema === undefined ? {} : { schema } };
}

function refTo(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

function requestSchema(schema: z.ZodType): Json {
  return withoutDialect(z.toJSONSchema(schema, REQUEST));
}

/** An answer of a newer controller may have more fields and words, so the schema does not close them. */
function answerSchema(schema: z.ZodType): Json {
  const json = z.toJSONSchema(schema, {
    io: 'output',
    override: ({ zodSchema, jsonSchema }) => {
      delete jsonSchema.readOnly;
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
      if (zodSchema._zod.def.type === 'catch') delete jsonSchema.default;
    },
  });
  return withoutDialect(json);
}

/** OpenAPI 3.1 has the dialect of these schemas as its default. */
function withoutDialect({ $schema: _, ...schema }: z.core.JSONSchema.BaseSchema): Json {
  return schema;
}
