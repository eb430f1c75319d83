import type { FrontsBody } from '../../../shared/api/edge.ts';
import { CLOUDFLARE, parseFront } from '../../../shared/domain/front-proxies.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { User } from '../../domain/users.ts';
import { noteEvent } from '../../store/note-event.ts';
import type { ApiDeps } from '../deps.ts';
import { frontProblems } from '../older-agents.ts';

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
