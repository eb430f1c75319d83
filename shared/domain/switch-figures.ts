import { z } from 'zod';
import type { AppId } from './ids.ts';

// The figures of a switch: the traffic of an app moves from the instances of one release to those of another. docs/design/0037-deploy-figures.md

export interface SwitchKey {
  readonly appId: AppId;
  readonly release: number;
}

/** The key of a switch in a map. */
export function switchId({ appId, release }: SwitchKey): string {
  return `${appId} ${String(release)}`;
}

/** What the controller asks an agent about one switch. */
export interface SwitchQuery extends SwitchKey {
  /** Nothing of the release has started, so a count that begins now misses no request. */
  readonly opening: boolean;
  /** Grows with each question. The answer has every request that ended before the question came. 0: nothing is asked yet. */
  readonly read: number;
}

/** Why the figures of a node are not complete. */
const GAPS = ['late', 'rotated', 'no-log'] as const;
export const switchGap = z.enum(GAPS);
export type SwitchGap = z.output<typeof switchGap>;

/** What one node has counted of a switch. */
export interface NodeFigures extends SwitchKey {
  /** The question that this answers. 0: the node has begun to count. */
  readonly read: number;
  /** Requests that ended. */
  readonly requests: number;
  /** Error code of the router → requests. */
  readonly codes: Readonly<Record<string, number>>;
  /** Open requests of instances that left the proxy. */
  readonly openRequests: number;
  /** The longest time from the moment an instance left the proxy to the end of its last request. */
  readonly longestDrainMs: number;
  /** Lines that the proxy could not write to its log. */
  readonly lostLines: number;
  readonly gap?: SwitchGap | undefined;
}

const COUNT = z.int().min(0);
const ROUTER_CODE = /^H\d{2}$/;
/** The router has fewer codes than this. */
const CODES_MAX = 100;
/** Nodes that a report names. */
export const UNCOUNTED_NAMED_MAX = 10;

export const routerCodes = z
  .record(z.string().regex(ROUTER_CODE), COUNT)
  .refine((codes) => Object.keys(codes).length <= CODES_MAX, 'has too many entries');

/** Why the figures of a node are missing or not complete. */
export const UNCOUNTED_WHY = [...GAPS, 'away', 'old-agent', 'silent'] as const;

/** The figures of all nodes together. */
export const switchReport = z.object({
  /**
   * `counting`: the old instances still have open requests. `final`: the figures change only when the release fails in its bake time. Then they
   * have all requests until the former release serves again.
   */
  state: z.enum(['counting', 'final']),
  /** Requests that ended from the first change of the deploy to the end of the last request of an old instance. */
  requests: COUNT,
  /** Those that the proxy answered in place of the app, or whose answer was cut. */
  failed: COUNT,
  /** All error codes of the router, also those that do not count as failed. */
  codes: routerCodes,
  openRequests: COUNT,
  longestDrainMs: z.number().min(0),
  lostLines: COUNT,
  /** Nodes whose figures are missing or not complete. The first of them. */
  uncounted: z.array(z.object({ node: z.string(), why: z.enum(UNCOUNTED_WHY) })),
  /** Their number. */
  uncountedNodes: COUNT,
});
export type SwitchReport = z.output<typeof switchReport>;
export type Uncounted = SwitchReport['uncounted'][number];

/** The client ended the request (H26, H27, H28), or the owner wants the maintenance page (H80). */
const NOT_FAILED: ReadonlySet<string> = new Set(['H26', 'H27', 'H28', 'H80']);

function isFailed(code: string): boolean {
  return !NOT_FAILED.has(code);
}

/** Nodes can report any numbers. A larger sum would not be a valid report. */
function add(sum: number, count: number): number {
  return Math.min(sum + count, Number.MAX_SAFE_INTEGER);
}

/** Pure: adds the figures of the nodes. */
export function sumFigures(
  figures: readonly NodeFigures[],
  { isFinal, uncounted }: { readonly isFinal: boolean; readonly uncounted: readonly Uncounted[] },
): SwitchReport {
  const codes: Record<string, number> = {};
  for (const node of figures)
    for (const [code, count] of Object.entries(node.codes)) codes[code] = add(codes[code] ?? 0, count);
  const total = (value: (node: NodeFigures) => number): number =>
    figures.reduce((sum, node) => add(sum, value(node)), 0);
  return {
    state: isFinal ? 'final' : 'counting',
    requests: total((node) => node.requests),
    failed: Object.entries(codes).reduce((sum, [code, count]) => (isFailed(code) ? add(sum, count) : sum), 0),
    codes,
    openRequests: total((node) => node.openRequests),
    longestDrainMs: Math.max(0, ...figures.map((node) => node.longestDrainMs)),
    lostLines: total((node) => node.lostLines),
    uncounted: uncounted.slice(0, UNCOUNTED_NAMED_MAX),
    uncountedNodes: uncounted.length,
  };
}

/** A report, also one of a newer controller. */
type Said = Omit<SwitchReport, 'state' | 'uncounted'> & {
  readonly state: string;
  readonly uncounted: readonly { readonly node: string; readonly why: string }[];
};

/** The sentence for people: `0 of 12431 requests failed in the switch, longest drain 3.2 s`. */
export function saySwitch(report: Said): string {
  const { requests, failed, codes, longestDrainMs, openRequests, state } = report;
  if (requests === 0 && failed === 0) return sayNone(report);
  const counted = isIncomplete(report) ? 'counted ' : '';
  const failures = Object.entries(codes)
    .filter(([code]) => isFailed(code))
    .map(([code, count]) => `${String(count)} ${code}`)
    .sort();
  const which = failures.length === 0 ? '' : ` (${failures.join(', ')})`;
  const head = `${String(failed)} of ${String(requests)} ${counted}request${requests === 1 ? '' : 's'} failed in the switch`;
  const drain = `longest drain ${(longestDrainMs / 1000).toFixed(1)} s`;
  const open = openRequests === 0 ? '' : `, ${sayOpen(openRequests, state === 'counting')}`;
  return `${head}${state === 'counting' ? ' so far' : ''}${which}, ${drain}${open}`;
}

/** No request ended in the switch. */
function sayNone(report: Said): string {
  const { openRequests, state } = report;
  const came = openRequests === 0 && !isIncomplete(report);
  const none = `No requests ${came ? 'came' : 'were counted'} in the switch${state === 'counting' ? ' so far' : ''}`;
  return openRequests === 0 ? `${none}.` : `${none}, ${sayOpen(openRequests, state === 'counting')}`;
}

/** @param isCounted the figures follow when these requests have ended */
function sayOpen(count: number, isCounted: boolean): string {
  const isOne = count === 1;
  const requests = isOne ? '1 request to an old instance' : `${String(count)} requests to old instances`;
  if (isCounted) return `${requests} ${isOne ? 'is' : 'are'} still open`;
  return `${requests} ${isOne ? 'was still open and is' : 'were still open and are'} no longer counted`;
}

function isIncomplete({ lostLines, uncountedNodes }: Said): boolean {
  return lostLines > 0 || uncountedNodes > 0;
}

/** Why not all requests are in the figures. Undefined: all are. */
export function sayUncounted(report: Said): string | undefined {
  const { lostLines, uncounted, uncountedNodes } = report;
  if (!isIncomplete(report)) return undefined;
  const causes = uncounted.map(({ node, why }) => sayWhy(node, why));
  const more = uncountedNodes - uncounted.length;
  if (more > 0) causes.push(`the figures of ${String(more)} more node${more === 1 ? '' : 's'} are not complete`);
  if (lostLines > 0)
    causes.push(`the proxies lost ${String(lostLines)} line${lostLines === 1 ? '' : 's'} of their logs`);
  return `Not all requests were counted: ${causes.join('; ')}.`;
}

function sayWhy(node: string, why: string): string {
  return Object.hasOwn(WHY, why) ? WHY[why as Uncounted['why']](node) : `the figures of ${node} are not complete`;
}

const WHY: Readonly<Record<Uncounted['why'], (node: string) => string>> = {
  late: (node) => `${node} began to count after the first change`,
  rotated: (node) => `${node} removed a part of its proxy's log before it was read`,
  'no-log': (node) => `${node} has no log of its proxy`,
  away: (node) => `${node} was not connected`,
  'old-agent': (node) => `the agent of ${node} is too old (slipway nodes:upgrade ${node})`,
  silent: (node) => `${node} did not answer in time`,
};
