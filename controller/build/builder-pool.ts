import { SlipwayError } from '../../shared/kit/errors.ts';
import type { RequiredLabels } from '../../shared/domain/placement.ts';
import type { Store } from '../store/port.ts';
import { chooseBuilder, whyNotBuild, type BuildNeeds } from './choose-builder.ts';
import type { BuilderNode, Builders } from './port.ts';

export interface BuilderPoolDeps {
  readonly store: Pick<Store, 'setBuilderLabels'>;
  readonly builders: Pick<Builders, 'available'>;
}

/** How many nodes a refusal names. */
const NAMED = 3;

/**
 * Which nodes builds may go to. A builder sees the source and the config of what it builds, so that is the operator's to say:
 * every node whose agent is set to build, or only those with certain labels.
 */
export class BuilderPool {
  readonly #deps: BuilderPoolDeps;
  #required: RequiredLabels;

  /** @param required as stored */
  constructor(deps: BuilderPoolDeps, required: RequiredLabels) {
    this.#deps = deps;
    this.#required = required;
  }

  /** None: every node whose agent is set to build. */
  get required(): RequiredLabels {
    return this.#required;
  }

  /** For builds from now on; those that run go on. */
  async require(labels: RequiredLabels): Promise<void> {
    await this.#deps.store.setBuilderLabels(labels);
    this.#required = labels;
  }

  /** A builder is there that takes builds of some stack. */
  hasBuilder(): boolean {
    return this.#deps.builders.available().some((node) => this.whyNot(node) === undefined);
  }

  /** Why a builder gets no builds at all; `undefined` when it does. */
  whyNot(node: Pick<BuilderNode, 'labels' | 'cordoned' | 'stacks'>): string | undefined {
    return whyNotBuild(node, { required: this.#required });
  }

  /** @throws SLIP_BUILD_NO_BUILDER when no connected node could take a build of this app */
  choose(app: BuildNeeds['app']): BuilderNode {
    const nodes = this.#deps.builders.available();
    const needs = { app, required: this.#required };
    const chosen = chooseBuilder(nodes, needs);
    if (chosen !== undefined) return chosen;
    throw noBuilder(nodes, needs);
  }
}

function noBuilder(nodes: readonly BuilderNode[], needs: BuildNeeds): SlipwayError {
  const refusals = nodes.slice(0, NAMED).map((node) => `${node.name}: ${whyNotBuild(node, needs) ?? ''}`);
  const more = nodes.length > NAMED ? ` ${String(nodes.length - NAMED)} more nodes cannot either.` : '';
  const isKept = nodes.length > 0;
  return new SlipwayError({
    code: 'SLIP_BUILD_NO_BUILDER',
    kind: 'transient',
    message: isKept
      ? `No node that is online may build this: ${refusals.join('; ')}.${more}`
      : 'No builder is online, so nothing can be built now.',
    hint: isKept
      ? 'See who builds with: slipway builders — then push again; nothing was changed.'
      : 'See which nodes are connected with: slipway status — then push again; nothing was changed.',
  });
}
