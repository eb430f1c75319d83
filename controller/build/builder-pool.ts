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
 * Selects the nodes that may build. A builder sees the source and the config of the app, so the operator decides: every node whose agent is
 * configured to build, or only those with certain labels.
 */
export class BuilderPool {
  readonly #deps: BuilderPoolDeps;
  #required: RequiredLabels;

  /** @param required the stored labels */
  constructor(deps: BuilderPoolDeps, required: RequiredLabels) {
    this.#deps = deps;
    this.#required = required;
  }

  /** Empty: every node whose agent is configured to build. */
  get required(): RequiredLabels {
    return this.#required;
  }

  /** Sets the labels for future builds. Running builds continue. */
  async require(labels: RequiredLabels): Promise<void> {
    await this.#deps.store.setBuilderLabels(labels);
    this.#required = labels;
  }

  /** At least one connected builder accepts builds. */
  hasBuilder(): boolean {
    return this.#deps.builders.available().some((node) => this.whyNot(node) === undefined);
  }

  /** Why a builder gets no builds. Undefined when it does. */
  whyNot(node: Buildable): string | undefined {
    return whyNotBuild(node, this.#required);
  }

  /** @throws SLIP_BUILD_NO_BUILDER when no connected node can build this app */
  choose(app: BuiltApp): BuilderNode {
    const nodes = this.#deps.builders.available();
    const chosen = chooseBuilder(nodes, app, this.#required);
    if (chosen !== undefined) return chosen;
    throw noBuilder(
      Object.fromEntries(nodes.map((node) => [node.name, whyNotBuild(node, this.#required, app.stack) ?? ''])),
    );
  }
}

/** @param refusals why each connected builder does not build this app */
function noBuilder(refusals: Readonly<Record<string, string>>): SlipwayError {
  const hasConnected = Object.keys(refusals).length > 0;
  return new SlipwayError({
    code: 'SLIP_BUILD_NO_BUILDER',
    kind: 'transient',
    message: hasConnected
      ? `No connected node may build this app: ${sayReasons(refusals, '')}.`
      : 'No builder is connected, so nothing can be built.',
    hint: hasConnected
      ? 'See which nodes build with: slipway builders — then push again. Nothing was changed.'
      : 'See which nodes are connected with: slipway status — then push again. Nothing was changed.',
  });
}
