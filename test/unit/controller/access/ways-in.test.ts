import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ACTIONS, may } from '../../../../controller/access/policy.ts';
import type { ApiDeps } from '../../../../controller/api/deps.ts';
import { apiRoutes } from '../../../../controller/api/routes.ts';
import { SESSION_ACTION } from '../../../../controller/dispatch/session-authenticator.ts';
import { GIT_ACTIONS } from '../../../../controller/push/push-policy.ts';
import type { UserId } from '../../../../shared/domain/ids.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { API_CONFIG } from '../../../support/api-fixture.ts';

// Each way into the controller asks the one table of controller/access/policy.ts.

const controller = join(import.meta.dirname, '../../../../controller');

/** The servers that the controller opens, and the file in which each one asks the table. */
const SERVERS = {
  'push/ssh/listener.ts': 'push/push-policy.ts',
  'dispatch/server.ts': 'dispatch/session-authenticator.ts',
  'api/create-api.ts': 'api/authenticate.ts',
};

/** They show the field or store it. */
const SHOWS_ADMIN = ['api/operations/users.ts', 'api/views.ts'];

/** Handlers are not called here, so they need no deps. */
const routes = apiRoutes(API_CONFIG, { clock: systemClock } as ApiDeps);

const sources = readdirSync(controller, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({ path, text: readFileSync(join(controller, path), 'utf8') }));

function filesWith(pattern: RegExp): string[] {
  return sources
    .filter(({ path, text }) => path !== 'access/policy.ts' && pattern.test(text))
    .map(({ path }) => path)
    .sort();
}

test('the controller listens in three places', () => {
  assert.deepEqual(filesWith(/\bcreateServer\(|\bfastify\(/i), Object.keys(SERVERS).sort());
});

test('each of them asks the table, and no other file reads whether a user is an administrator', () => {
  assert.deepEqual(filesWith(/\bmay\(/), Object.values(SERVERS).sort());
  assert.deepEqual(filesWith(/\b(?:user|actor|caller|me)\.admin\b/), SHOWS_ADMIN);
});

test('a route for administrators has an action that the table refuses to the owner of an app', () => {
  const owner = { kind: 'user', userId: 'ada00000' as UserId } as const;
  const app = { kind: 'app', ownerId: owner.userId } as const;
  const open = routes.filter((route) => route.auth === 'admin' && may(owner, route.action, app));
  assert.deepEqual(open, []);
});

test('each action of the table belongs to a route, to git or to the sessions of the agents', () => {
  const others = [...Object.values(GIT_ACTIONS), SESSION_ACTION, 'app.list.all', 'domain.force'];
  const used = new Set([...routes.map((route) => route.action), ...others]);
  assert.deepEqual([...used].sort(), [...ACTIONS].sort());
});
