import type { NodeId, UserId } from '../../shared/domain/ids.ts';

/** The caller, as a token, the signature of an SSH key or a certificate proves it. A claim in a message proves nothing. */
export type Actor =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'user'; readonly userId: UserId }
  | { readonly kind: 'admin'; readonly userId: UserId }
  | { readonly kind: 'node'; readonly nodeId: NodeId };

/** What the action is about. */
export type Resource =
  | { readonly kind: 'fleet' }
  | { readonly kind: 'app'; readonly ownerId: UserId }
  | { readonly kind: 'account'; readonly userId: UserId };

export const ACTIONS = [
  'node.join',
  'node.session.open',
  'program.read',
  'node.image.read',
  'node.image.write',
  'node.source.read',
  'node.edge-certificate.read',
  'node.certificate.renew',
  'node.trouble.tell',
  'account.read',
  'account.write',
  'app.list',
  'app.list.all',
  'app.create',
  'app.read',
  'app.write',
  'app.attach',
  'app.egress.write',
  'app.destroy',
  'domain.force',
  'fleet.read',
  'user.manage',
  'node.manage',
  'controller.manage',
] as const;

export type Action = (typeof ACTIONS)[number];

/** A person as an actor; undefined: the account does not exist any more. */
export function actorOfUser(user: { readonly id: UserId; readonly admin: boolean } | undefined): Actor {
  if (user === undefined) return { kind: 'anonymous' };
  return { kind: user.admin ? 'admin' : 'user', userId: user.id };
}

type Rule = (actor: Actor, resource: Resource) => boolean;

const isPerson: Rule = (actor) => actor.kind === 'user' || actor.kind === 'admin';
const isAdmin: Rule = (actor) => actor.kind === 'admin';
const isNode: Rule = (actor) => actor.kind === 'node';

const ownsApp: Rule = (actor, resource) => {
  if (resource.kind !== 'app') return false;
  return actor.kind === 'admin' || (actor.kind === 'user' && actor.userId === resource.ownerId);
};

const isOwnAccount: Rule = (actor, resource) => {
  if (resource.kind !== 'account') return false;
  return actor.kind === 'admin' || (actor.kind === 'user' && actor.userId === resource.userId);
};

/** The type requires a rule for each action. */
const RULES: Readonly<Record<Action, Rule>> = {
  'node.join': (actor) => actor.kind === 'anonymous',
  'node.session.open': isNode,
  'program.read': () => true,
  'node.image.read': isNode,
  'node.image.write': isNode,
  'node.source.read': isNode,
  'node.edge-certificate.read': isNode,
  'node.certificate.renew': isNode,
  'node.trouble.tell': isNode,
  'account.read': isOwnAccount,
  'account.write': isOwnAccount,
  'app.list': isPerson,
  'app.list.all': isAdmin,
  'app.create': isPerson,
  'app.read': ownsApp,
  'app.write': ownsApp,
  'app.attach': ownsApp,
  'app.egress.write': isAdmin,
  'app.destroy': ownsApp,
  'domain.force': isAdmin,
  'fleet.read': isPerson,
  'user.manage': isAdmin,
  'node.manage': isAdmin,
  'controller.manage': isAdmin,
};

/** True when the actor may do this. Each way into the controller asks here: HTTPS, SSH and the sessions of the agents. */
export function may(actor: Actor, action: Action, resource: Resource): boolean {
  return RULES[action](actor, resource);
}

/** The owner whose apps the person may list. Undefined: the apps of all owners. */
export function listedOwner(user: { readonly id: UserId; readonly admin: boolean }): UserId | undefined {
  return may(actorOfUser(user), 'app.list.all', { kind: 'fleet' }) ? undefined : user.id;
}

/** Only an administrator may give a domain to an app without a proof. */
export function mayForceDomains(user: Parameters<typeof actorOfUser>[0]): boolean {
  return may(actorOfUser(user), 'domain.force', { kind: 'fleet' });
}
