import { memoryFlag } from './format.ts';

const MIB = 1024 * 1024;
/** A process gets at least this much memory. */
const LEAST_MIB = 64;

interface Refusal {
  readonly node: string;
  readonly why: string;
}

/** Parses the message of a failed placement. It names every node and the reason. */
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

/** The command that makes room. The reason that is solved most easily comes first. */
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

/** The most memory that a node can reserve. If that is too little, the fleet needs another node. */
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
