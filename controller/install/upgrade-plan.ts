import { planWaves } from '../schedule/plan.ts';

/** A node as an upgrade sees it. */
export interface UpgradeCandidate {
  readonly name: string;
  readonly connected: boolean;
  readonly agentVersion: string;
}

export interface UpgradePlan {
  /** Names of nodes: one, then a quarter, then the rest. A wave starts when the previous one is connected with the new version. */
  readonly waves: readonly (readonly string[])[];
  /** The nodes that are not upgraded, with the reason. */
  readonly skipped: readonly { readonly name: string; readonly why: string }[];
}

/** Pure. */
export function planUpgrade(nodes: readonly UpgradeCandidate[], wanted: string): UpgradePlan {
  const byName = [...nodes].sort((one, other) => (one.name < other.name ? -1 : 1));
  const judged = byName.map(({ name, ...node }) => ({ name, why: whyNot(node, wanted) }));
  return {
    waves: planWaves(judged.filter(({ why }) => why === undefined).map(({ name }) => name)),
    skipped: judged.flatMap(({ name, why }) => (why === undefined ? [] : [{ name, why }])),
  };
}

function whyNot({ connected, agentVersion }: Omit<UpgradeCandidate, 'name'>, wanted: string): string | undefined {
  if (agentVersion === wanted) return `runs ${wanted} already`;
  if (!connected) return 'is not connected; upgrade it when it is connected again';
  if (!agentVersion.includes('+'))
    return `runs a checkout (${agentVersion}); run the line of slipway nodes:token on it to install the agent`;
  return undefined;
}
