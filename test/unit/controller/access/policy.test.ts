import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ACTIONS, may, type Action, type Actor, type Resource } from '../../../../controller/access/policy.ts';
import type { NodeId, UserId } from '../../../../shared/domain/ids.ts';

const ada = 'ada00000' as UserId;
const bob = 'bob00000' as UserId;

const ACTORS: Readonly<Record<string, Actor>> = {
  anonymous: { kind: 'anonymous' },
  owner: { kind: 'user', userId: ada },
  stranger: { kind: 'user', userId: bob },
  admin: { kind: 'admin', userId: bob },
  node: { kind: 'node', nodeId: 'node0000' as NodeId },
};

const RESOURCES: Readonly<Record<Resource['kind'], Resource>> = {
  fleet: { kind: 'fleet' },
  app: { kind: 'app', ownerId: ada },
  account: { kind: 'account', userId: ada },
};

/** Who may, on which kind of resource; everything else is refused. */
const ALLOWED: Readonly<Record<Action, { on: Resource['kind'] | 'any'; who: readonly string[] }>> = {
  'node.join': { on: 'any', who: ['anonymous'] },
  'node.session.open': { on: 'any', who: ['node'] },
  'program.read': { on: 'any', who: Object.keys(ACTORS) },
  'node.image.read': { on: 'any', who: ['node'] },
  'node.image.write': { on: 'any', who: ['node'] },
  'node.source.read': { on: 'any', who: ['node'] },
  'node.edge-certificate.read': { on: 'any', who: ['node'] },
  'node.certificate.renew': { on: 'any', who: ['node'] },
  'node.trouble.tell': { on: 'any', who: ['node'] },
  'account.read': { on: 'account', who: ['owner', 'admin'] },
  'account.write': { on: 'account', who: ['owner', 'admin'] },
  'app.list': { on: 'any', who: ['owner', 'stranger', 'admin'] },
  'app.list.all': { on: 'any', who: ['admin'] },
  'app.create': { on: 'any', who: ['owner', 'stranger', 'admin'] },
  'app.read': { on: 'app', who: ['owner', 'admin'] },
  'app.write': { on: 'app', who: ['owner', 'admin'] },
  'app.egress.write': { on: 'any', who: ['admin'] },
  'app.attach': { on: 'app', who: ['owner', 'admin'] },
  'app.destroy': { on: 'app', who: ['owner', 'admin'] },
  'domain.force': { on: 'any', who: ['admin'] },
  'fleet.read': { on: 'any', who: ['owner', 'stranger', 'admin'] },
  'user.manage': { on: 'any', who: ['admin'] },
  'node.manage': { on: 'any', who: ['admin'] },
  'controller.manage': { on: 'any', who: ['admin'] },
};

describe('authorisation policy', () => {
  for (const action of ACTIONS) {
    it(`decides ${action} for every actor and resource`, () => {
      for (const [name, actor] of Object.entries(ACTORS)) {
        for (const resource of Object.values(RESOURCES)) {
          const rule = ALLOWED[action];
          const expected = rule.who.includes(name) && (rule.on === 'any' || rule.on === resource.kind);
          assert.equal(may(actor, action, resource), expected, `${name} ${action} ${resource.kind}`);
        }
      }
    });
  }
});
