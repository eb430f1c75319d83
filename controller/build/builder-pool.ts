import { SlipwayError } from '../../shared/kit/errors.ts';
import { sayReasons, type RequiredLabels } from '../../shared/domain/placement.ts';
import type { Store } from '../store/port.ts';
import { chooseBuilder, whyNotBuild, type Buildable, type BuiltApp } from './choose-builder.ts';
import type { BuilderNode, Builders } from './port.ts';

export interface BuilderPoolDeps {
  readonly store: Pick<Store, 'setBuilderLabels'>;
  readonly builders: Pick<Builders, 'available'>;
}

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
  whyNot(node: Buildable): string | undefined {
    return whyNotBuild(node, this.#required);
  }

  /** @throws SLIP_BUILD_NO_BUILDER when no connected node could take a build of this app */
  choose(app: BuiltApp): BuilderNode {
    const nodes = this.#deps.builders.available();
    const chosen = chooseBuilder(nodes, app, this.#required);
    if (chosen !== undefined) return chosen;
    throw noBuilder(
      Object.fromEntries(nodes.map((node) => [node.name, whyNotBuild(node, this.#required, app.stack) ?? ''])),
    );
  }
}

/** @param refusals of each node that is online and builds at all, why it does not build this */
function noBuilder(refusals: Readonly<Record<string, string>>): SlipwayError {
  const isAnybodyThere = Object.keys(refusals).length > 0;
  return new SlipwayError({
    code: 'SLIP_BUILD_NO_BUILDER',
    kind: 'transient',
    message: isAnybodyThere
      ? `No node that is online may build this: ${sayReasons(refusals, '')}.`
      : 'No builder is online, so nothing can be built now.',
    hint: isAnybodyThere
      ? 'See who builds with: slipway builders — then push again; nothing was changed.'
      : 'See which nodes are connected with: slipway status — then push again; nothing was changed.',
  });
}
