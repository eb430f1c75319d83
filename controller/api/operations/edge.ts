import type { EdgeBody, FrontsBody } from '../../../shared/api/edge.ts';
import { CLOUDFLARE, parseFront } from '../../../shared/domain/front-proxies.ts';
import { missingLabel, sayWhoAnswersHttps, type RequiredLabels } from '../../../shared/domain/placement.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { LiveNode } from '../../dispatch/port.ts';
import type { User } from '../../domain/users.ts';
import { noteEvent } from '../../store/note-event.ts';
import type { ApiDeps } from '../deps.ts';
import { edgeProblems } from '../edge-problems.ts';
import { frontProblems } from '../older-agents.ts';
import { checkedLabels } from './formation.ts';

type Deps = Pick<ApiDeps, 'store' | 'fleet' | 'log'>;

export async function showFronts({ store, fleet }: Pick<Deps, 'store' | 'fleet'>): Promise<FrontsBody> {
  const fronts = await store.frontProxies();
  const { listedOn, networks } = CLOUDFLARE;
  const problems = frontProblems(fronts, fleet.nodes());
  return { ...fronts, cloudflare: { listedOn, networks: [...networks] }, problems };
}

/** An absent list stays as it is. */
export interface FrontsChange {
  readonly trusted?: readonly string[] | undefined;
  readonly proxyProtocol?: readonly string[] | undefined;
}

/** @throws SLIP_TRUST_CIDR, SLIP_TRUST_LIMIT, SLIP_TRUST_NAME */
export async function setFronts(
  deps: Deps,
  { user, change }: { readonly user: User; readonly change: FrontsChange },
): Promise<FrontsBody> {
  const { trusted, proxyProtocol } = change;
  const protocol = proxyProtocol?.map(parseFront);
  if (protocol?.includes(CLOUDFLARE.name) === true) throw noProxyProtocol();
  await deps.store.setFrontProxies({
    ...(trusted === undefined ? {} : { trusted: trusted.map(parseFront) }),
    ...(protocol === undefined ? {} : { proxyProtocol: protocol }),
  });
  const body = await showFronts(deps);
  const message = `${user.name} set the front proxies: ${say(body.trusted, 'forwarding headers')}, ${say(body.proxyProtocol, 'the PROXY protocol')}.`;
  noteEvent(deps, { kind: 'proxy.trust_changed', actor: user.name, message, next: 'slipway proxy:trust' });
  await deps.fleet.proxySettingsChanged();
  return body;
}

export async function showEdge({ store, fleet }: Pick<Deps, 'store' | 'fleet'>): Promise<EdgeBody> {
  const required = await store.edgeLabels();
  const members = fleet.nodes().filter(({ state }) => state !== 'removed');
  const nodes = members.map((node) => {
    const why = whyNoHttps(node, required);
    return { name: node.name, connected: node.connected, ...(why === undefined ? {} : { whyNot: why }) };
  });
  return {
    require: required,
    nodes: nodes.sort((a, b) => (a.name < b.name ? -1 : 1)),
    problems: [...edgeProblems(required, members)],
  };
}

/** @throws SLIP_NAME_LABEL */
export async function setEdge(
  deps: Deps,
  { user, required }: { readonly user: User; readonly required: RequiredLabels },
): Promise<EdgeBody> {
  const labels = checkedLabels(required);
  await deps.store.setEdgeLabels(labels);
  noteEvent(deps, {
    ...{ kind: 'edge.set', actor: user.name, next: 'slipway edge' },
    message: `${user.name} changed which nodes answer HTTPS. ${sayWhoAnswersHttps(labels)}`,
  });
  await deps.fleet.proxySettingsChanged();
  return await showEdge(deps);
}

function whyNoHttps({ labels, httpsPort = 0 }: LiveNode, required: RequiredLabels): string | undefined {
  return missingLabel(labels, required) ?? (httpsPort === 0 ? 'HTTPS is off in its agent.json' : undefined);
}

function say(entries: readonly string[], what: string): string {
  return `${entries.length === 0 ? 'nobody' : entries.join(' ')} for ${what}`;
}

function noProxyProtocol(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_TRUST_NAME',
    httpStatus: 422,
    message: 'cloudflare cannot send the PROXY protocol: its servers send HTTP requests with forwarding headers.',
    hint: 'Trust its headers with: slipway proxy:trust cloudflare',
  });
}
