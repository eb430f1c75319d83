import { memoryFlag } from './words.ts';

const MIB = 1024 * 1024;
/** Less than this is not worth asking a process to live in. */
const LEAST_MIB = 64;

interface Refusal {
  readonly node: string;
  readonly why: string;
}

/** Taken apart again: the sentence of a release that could not be placed names every node and why not. */
export function refusalsIn(
  message: string,
): { readonly instance: string; readonly refusals: readonly Refusal[] } | undefined {
  const match = /^(\S+\.\d+) cannot be placed: (.*)\.$/s.exec(message);
  if (match === null) return undefined;
  const refusals = (match[2] ?? '').split('; ').flatMap((part) => {
    const [, node, why] = /^([a-z][a-z0-9-]*): (.*)$/s.exec(part) ?? [];
    return node === undefined || why === undefined ? [] : [{ node, why }];
  });
  return { instance: match[1] ?? '', refusals };
}

/** The command that makes a place, by what stands in the way of the node that is nearest to taking it. */
export function nextForNoRoom(message: string, app: string): string {
  const { instance, refusals } = refusalsIn(message) ?? { instance: '', refusals: [] };
  const type = instance.split('.')[0] ?? 'web';
  return (
    cordoned(refusals) ?? lessMemory(refusals, type, app) ?? label(refusals) ?? away(refusals) ?? 'slipway nodes:token'
  );
}

function cordoned(refusals: readonly Refusal[]): string | undefined {
  const found = refusals.find(({ why }) => why.startsWith('it is cordoned'));
  return found === undefined ? undefined : `slipway nodes:uncordon ${found.node}`;
}

/** As much as the node with the most can promise; where that is next to nothing, the fleet needs another node. */
function lessMemory(refusals: readonly Refusal[], type: string, app: string): string | undefined {
  const free = refusals.map(({ why }) =>
    Number(/^it has (\d+) MB of (?:unreserved memory|memory to promise)/.exec(why)?.[1] ?? 0),
  );
  const most = Math.floor(Math.max(0, ...free) / LEAST_MIB) * LEAST_MIB;
  return most < LEAST_MIB ? undefined : `slipway ps:limits ${type} --memory ${memoryFlag(most * MIB)} -a ${app}`;
}

function label(refusals: readonly Refusal[]): string | undefined {
  for (const { node, why } of refusals) {
    const needed = /, (\S+=\S+) is required$/.exec(why)?.[1];
    if (needed !== undefined) return `slipway nodes:label ${node} ${needed}`;
  }
  return undefined;
}

function away(refusals: readonly Refusal[]): string | undefined {
  const found = refusals.find(({ why }) => why === 'it is not connected');
  return found === undefined ? undefined : `slipway why ${found.node}`;
}
