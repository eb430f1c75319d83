import type { Reason } from './instance.ts';

/** How an agent's version stands to its controller's. */
export type VersionFit = 'same' | 'behind' | 'too-old' | 'too-new';

/**
 * A version is its first two numbers: patches and builds of one go together in any order. The controller is upgraded first and
 * speaks with agents of the version before; the wire only grows, but more than that nobody has tried.
 * @returns undefined when one of them does not say
 */
export function versionFit(agent: string, controller: string): VersionFit | undefined {
  const [its, ours] = [numbersOf(agent), numbersOf(controller)];
  if (its === undefined || ours === undefined) return undefined;
  const ahead = its.major - ours.major || its.minor - ours.minor;
  if (ahead >= 0) return ahead === 0 ? 'same' : 'too-new';
  return isNext(its, ours) ? 'behind' : 'too-old';
}

/** The first of a new major comes after the last of the one before, whatever number that had. */
function isNext(one: Numbers, other: Numbers): boolean {
  return one.major === other.major ? one.minor === other.minor - 1 : one.major === other.major - 1 && other.minor === 0;
}

/** What to say of a node whose agent does not go with its controller, with the command that mends it; undefined when it does. */
export function versionTrouble(
  node: { readonly name: string; readonly agentVersion: string },
  controller: string,
): Reason | undefined {
  const { name, agentVersion } = node;
  const fit = versionFit(agentVersion, controller);
  if (fit !== 'too-old' && fit !== 'too-new') return undefined;
  const why =
    fit === 'too-old'
      ? `more than one version behind this controller (${controller}), and may not do all that is asked of it`
      : `newer than this controller (${controller}): upgrade the controller first, or take the agent back to its version`;
  return {
    code: 'SLIP_AGENT_VERSION',
    message: `The agent of ${name} (${agentVersion}) is ${why}.`,
    hint: nextFor(name, agentVersion),
  };
}

/** An installed agent becomes the controller's version by itself; a checkout does not. */
function nextFor(name: string, agentVersion: string): string {
  return agentVersion.includes('+') ? `slipway nodes:upgrade ${name}` : 'slipway nodes:token';
}

interface Numbers {
  readonly major: number;
  readonly minor: number;
}

function numbersOf(version: string): Numbers | undefined {
  const [, major, minor] = /^(\d{1,9})\.(\d{1,9})\.\d{1,9}(?:[-+][\w.+-]{1,100})?$/.exec(version) ?? [];
  return major === undefined || minor === undefined ? undefined : { major: Number(major), minor: Number(minor) };
}
