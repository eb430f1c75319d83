import { sayWhoBuilds, type RequiredLabels } from '../../../shared/domain/placement.ts';
import type { User } from '../../domain/users.ts';
import type { BuilderPool } from '../../build/builder-pool.ts';
import type { LiveNode } from '../../dispatch/port.ts';
import { noteEvent } from '../../store/note-event.ts';
import type { ApiDeps } from '../deps.ts';
import { checkedLabels } from './formation.ts';

type Deps = Pick<ApiDeps, 'builderPool' | 'fleet'>;

export interface BuilderOverview {
  /** The labels that a node must have to build. */
  readonly required: RequiredLabels;
  readonly nodes: readonly {
    readonly name: string;
    /** Undefined: the node builds. */
    readonly whyNot: string | undefined;
  }[];
}

/** Sets the labels that a node must have to build. @throws SLIP_NAME_LABEL */
export async function setBuilders(
  deps: Deps & Pick<ApiDeps, 'store' | 'log'>,
  { required, user }: { readonly required: RequiredLabels; readonly user: User },
): Promise<BuilderOverview> {
  const { builderPool, store, log } = deps;
  await builderPool.require(checkedLabels(required));
  const message = sayWhoBuilds(builderPool.required);
  noteEvent({ store, log }, { kind: 'builders.set', actor: user.name, next: 'slipway builders', message });
  return describeBuilders(deps);
}

export function describeBuilders({ builderPool, fleet }: Deps): BuilderOverview {
  const nodes = fleet.nodes().map((node) => ({ name: node.name, whyNot: whyNot(node, builderPool) }));
  return { required: builderPool.required, nodes: nodes.sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

function whyNot(node: LiveNode, pool: BuilderPool): string | undefined {
  if (!node.connected) return 'it is not connected';
  if (!node.builder) return 'its agent.json says "builder": false';
  return pool.whyNot(node);
}
