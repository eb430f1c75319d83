import type { Reason } from './instance.ts';

/** The result of comparing an agent's version with its controller's. */
export type VersionFit = 'same' | 'behind' | 'too-old' | 'too-new';

/**
 * Compares the first two numbers: patches and builds of one version work together in any order. The controller is upgraded first and
 * supports agents of the previous version. Older agents are not tested.
 * @returns undefined when one of the versions is unknown
 */
export function versionFit(agent: string, controller: string): VersionFit | undefined {
  const [its, ours] = [numbersOf(agent), numbersOf(controller)];
  if (its === undefined || ours === undefined) return undefined;
  const ahead = its.major - ours.major || its.minor - ours.minor;
  if (ahead >= 0) return ahead === 0 ? 'same' : 'too-new';
  return isNext(its, ours) ? 'behind' : 'too-old';
}

/** The first minor version of a new major version follows every minor version of the previous one. */
function isNext(one: Numbers, other: Numbers): boolean {
  return one.major === other.major ? one.minor === other.minor - 1 : one.major === other.major - 1 && other.minor === 0;
}

/** The reason to show when the agent's version does not fit the controller, with the command that repairs it; undefined when it fits. */
export function versionMismatch(
  node: { readonly name: string; readonly agentVersion: string },
  controller: string,
): Reason | undefined {
  const { name, agentVersion } = node;
  const fit = versionFit(agentVersion, controller);
  if (fit !== 'too-old' && fit !== 'too-new') return undefined;
  const why =
    fit === 'too-old'
      ? `more than one version behind this controller (${controller}), so it may not support all that the controller sends`
      : `newer than this controller (${controller}): upgrade the controller, or install an older agent`;
  return {
    code: 'SLIP_AGENT_VERSION',
    message: `The agent of ${name} (${agentVersion}) is ${why}.`,
    hint: nextFor(name, agentVersion),
  };
}

/** An installed agent can be upgraded remotely; a checkout cannot. */
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
