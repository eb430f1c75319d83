import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ApiDeps } from '../../../../controller/api/deps.ts';
import { openApiDocument } from '../../../../controller/api/openapi.ts';
import { apiRoutes } from '../../../../controller/api/routes.ts';
import { API_ROUTES } from '../../../../shared/api/routes.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { API_CONFIG } from '../../../support/api-fixture.ts';

interface Operation {
  readonly operationId: string;
  readonly security: readonly object[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: object }[];
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, object>> }>>;
}

/** Handlers are not called, so no deps are needed. */
const ROUTES = apiRoutes(API_CONFIG, { clock: systemClock } as ApiDeps);
const DOCUMENT = openApiDocument(ROUTES, '0.1.0');
const PATHS = DOCUMENT['paths'] as Readonly<Record<string, Readonly<Record<string, Operation>>>>;

describe('openapi.json', () => {
  it('has every route of the API once, by its operation id', () => {
    const described = Object.values(PATHS).flatMap((methods) => Object.values(methods));
    const ids = described.map(({ operationId }) => operationId).sort();
    assert.deepEqual(ids, Object.keys(API_ROUTES).sort());
    assert.deepEqual(ids, ROUTES.map(({ id }) => id).sort());
  });

  it('describes parameters, answers and who may call', () => {
    const { parameters, responses, security } = PATHS['/v1/apps/{app}/events']!['get']!;
    assert.deepEqual(
      parameters?.map((parameter) => `${parameter.in} ${parameter.name}`),
      ['path app', 'query limit', 'query before', 'query node', 'query follow'],
    );
    assert.deepEqual(Object.keys(responses['200']?.content ?? {}), ['application/json', 'application/x-ndjson']);
    assert.deepEqual(security, [{ token: [] }]);
    assert.deepEqual(PATHS['/install.sh']!['get']!.security, []);
    assert.deepEqual(Object.keys(PATHS['/v1/keys/{fingerprint}']!['delete']!.responses), ['204', 'default']);
  });

  it('lets answers have more fields, so that a client works with a newer controller', () => {
    const text = JSON.stringify(PATHS['/v1/apps/{app}/ps']!['get']!.responses);
    assert.doesNotMatch(text, /additionalProperties|readOnly|"default":"unknown"/);
    assert.match(JSON.stringify(DOCUMENT), /^\{"openapi":"3\.1\.0"/);
  });
});
