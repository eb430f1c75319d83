import type { WhyBody, WhyChain } from '../../../shared/api/observe.ts';
import { sayStopped } from '../../../shared/domain/placement.ts';
import { countInstances, type InstanceCounts } from '../count-instances.ts';
import type { AppWhyFacts, BuildFact, InstanceFact, ReleaseFact } from './facts.ts';
import { nextFor, PUSH_AGAIN } from './next.ts';
import { nextForNoRoom } from './placement.ts';
import { commandChains, scriptChains } from './why-commands.ts';
import { instanceChain } from './why-instance.ts';

/** Pure: explains the state of an app. The worst cause comes first. */
export function whyApp(facts: AppWhyFacts): WhyBody {
  const counts = countsOf(facts);
  const chains = merged([
    ...routeChains(facts),
    ...instanceChains(facts, counts),
    ...releaseChains(facts),
    ...buildChains(facts),
    ...scriptChains(facts),
    ...cronChains(facts),
  ]);
  const { app: about } = facts;
  const running = commandChains(facts);
  return chains.length > 0
    ? { about, well: false, chains: [...chains, ...running] }
    : { about, well: true, chains: [wellChain(facts, counts), ...running] };
}

function countsOf({ current, wanted, instances, nodes }: AppWhyFacts): InstanceCounts<InstanceFact> {
  return countInstances(current === undefined ? {} : wanted, {
    instances,
    lostNodes: new Set(nodes.flatMap((node) => (node.lost ? [node.name] : []))),
  });
}

function routeChains({ app, leftOut }: AppWhyFacts): readonly WhyChain[] {
  return leftOut === undefined
    ? []
    : [{ code: leftOut.code, links: [leftOut.message], next: leftOut.hint ?? `slipway domains -a ${app}` }];
}

function instanceChains(facts: AppWhyFacts, { down }: InstanceCounts<InstanceFact>): readonly WhyChain[] {
  const live = facts.instances.filter(({ state, desired }) => state === 'live' && desired === 'run');
  return [
    ...down.flatMap(({ name, at }) =>
      at === undefined ? placelessChain(facts, name) : (instanceChain(facts, at) ?? []),
    ),
    ...live.flatMap((instance) => instanceChain(facts, instance) ?? []),
  ];
}

/** The reason is from the last check of the mover. After a restart of the controller, it is from the last event. */
function placelessChain({ app, events, placeless }: AppWhyFacts, name: string): WhyChain {
  const found = placeless.get(name);
  const said = events.find(({ kind, instance }) => kind === 'instance.waits' && instance === name)?.message;
  const because =
    found === undefined
      ? said?.replace(`${name} waits for a place: `, `${name} cannot be placed: `)
      : `${name} cannot be placed: ${found}.`;
  const links = [...(because === undefined ? [] : [because]), `So ${name} should run, but no node runs it.`];
  return {
    code: 'SLIP_PLACE_NO_ROOM',
    links,
    next: because === undefined ? `slipway ps -a ${app}` : nextForNoRoom(because, app),
  };
}

/** Joins the chains with the same cause, and counts them. */
function merged(chains: readonly WhyChain[]): readonly WhyChain[] {
  const byCause = Map.groupBy(
    chains,
    (chain) => `${chain.code ?? chain.links[0] ?? ''} ${chain.next.replace(/ -p \S+/, '')}`,
  );
  return [...byCause.values()].flatMap(([first, ...rest]) => {
    if (first === undefined) return [];
    const alike =
      rest.length === 0 ? [] : [`${String(rest.length)} more ${rest.length === 1 ? 'has' : 'have'} the same cause.`];
    return [{ ...first, links: [...first.links, ...alike] }];
  });
}

/** A failed newest release is reported even while the old release serves, because its user waits for it. */
function releaseChains(facts: AppWhyFacts): readonly WhyChain[] {
  const { latest, current } = facts;
  if (latest?.state !== 'failed') return [];
  const code = latest.failure?.code ?? 'SLIP_APP_EXITED';
  const serving = current === undefined ? 'nothing is serving' : `v${String(current.version)} keeps serving`;
  const links = [made(latest), failureOf(facts, latest), `So v${String(latest.version)} failed, and ${serving}.`];
  return [{ code, links, next: thenPush(nextForRelease(facts, latest, code), latest) }];
}

function made({ user, version, description }: ReleaseFact): string {
  return `${user} made v${String(version)}: ${description}.`;
}

/** The failure, with the instance and the node if an event names them. */
function failureOf(facts: AppWhyFacts, release: ReleaseFact): string {
  const message = release.failure?.message ?? 'The app ended soon after its start.';
  const seen = seenFailing(facts, release);
  if (seen?.instance === undefined || seen.node === undefined) return message;
  return message.startsWith(`${seen.instance} `)
    ? `${seen.instance} on ${seen.node}${message.slice(seen.instance.length)}`
    : `${seen.instance} on ${seen.node}: ${message}`;
}

function seenFailing(facts: AppWhyFacts, release: ReleaseFact): AppWhyFacts['events'][number] | undefined {
  return facts.events.find(
    ({ instance, atMs, details }) =>
      instance !== undefined && atMs >= release.createdAtMs && details?.['code'] === release.failure?.code,
  );
}

/** Commands that change the fleet or the app. They do not start a failed release again. */
const CHANGES = /^slipway (?:ps:limits|nodes:uncordon|nodes:label) /;

/** A failed release needs another push. Its ref has not moved, so the same commit can be pushed again. */
function thenPush(next: string, { description }: ReleaseFact): string {
  return CHANGES.test(next) && description.startsWith('Deploy ') ? `${next} && ${PUSH_AGAIN}` : next;
}

function nextForRelease(facts: AppWhyFacts, release: ReleaseFact, code: string): string {
  const message = release.failure?.message ?? '';
  if (code === 'SLIP_PLACE_NO_ROOM') return nextForNoRoom(message, facts.app);
  const seen = seenFailing(facts, release);
  const instance = seen?.instance ?? /(?:^|: )(\w[\w-]*\.\d+) /.exec(message)?.[1];
  return nextFor(code, {
    app: facts.app,
    instance,
    type: instance?.split('.')[0],
    node: seen?.node,
    memoryBytes: memoryIn(message),
  });
}

/** The instances of a failed release may be gone, so the memory limit is read from the message. */
function memoryIn(message: string): number | undefined {
  const mebibytes = /its (\d+) MB of memory/.exec(message)?.[1];
  return mebibytes === undefined ? undefined : Number(mebibytes) * 1024 * 1024;
}

/** A failed build is reported until there is a newer release. */
function buildChains({ app, latest, latestBuild, current }: AppWhyFacts): readonly WhyChain[] {
  if (latestBuild?.state !== 'failed') return [];
  if (latest !== undefined && latest.createdAtMs > latestBuild.createdAtMs) return [];
  const serving = current === undefined ? 'nothing is serving yet' : `v${String(current.version)} keeps serving`;
  const code = latestBuild.failure?.code ?? 'SLIP_BUILD_COMPILE_FAILED';
  const links = [
    pushed(latestBuild),
    latestBuild.failure?.message ?? 'The build failed.',
    `So no release was made, and ${serving}.`,
  ];
  return [{ code, links, next: nextFor(code, { app, buildId: latestBuild.id }) }];
}

function cronChains({ app, failedCron }: AppWhyFacts): readonly WhyChain[] {
  return failedCron.map(({ process, failure }) => ({
    code: failure?.code ?? 'SLIP_COMMAND_FAILED',
    links: [failure?.message ?? `${process} of ${app} failed.`, 'It was the last run of its cron entry.'],
    next: `slipway cron:output ${process} -a ${app}`,
  }));
}

function pushed({ user, commit }: BuildFact): string {
  return `${user} pushed ${commit.slice(0, 7)}.`;
}

function wellChain(
  { app, current, latest, stopped, maintenance }: AppWhyFacts,
  { live, desired, nodes }: InstanceCounts<InstanceFact>,
): WhyChain {
  if (current === undefined) {
    const state =
      latest === undefined
        ? `${app} has not been deployed yet.`
        : `v${String(latest.version)} of ${app} is ${latest.state}.`;
    return { links: [state], next: latest === undefined ? 'git push slipway main' : `slipway releases -a ${app}` };
  }
  if (stopped !== undefined) {
    const rest = desired === 0 ? '' : `; ${String(live)} of ${String(desired)} of the other instances are up`;
    return {
      links: [`v${String(current.version)} of ${app} is current.`, `${sayStopped(stopped, app)}${rest}.`],
      next: `slipway ps:start -a ${app}`,
    };
  }
  if (maintenance === true) {
    const links = [
      `v${String(current.version)} of ${app} is current, and ${app} is in maintenance.`,
      'So the proxies answer its web requests with status 503.',
    ];
    return { links, next: `slipway maintenance:off -a ${app}` };
  }
  const up = desired === 0 ? 'scaled to zero' : `${String(live)} of ${String(desired)} up on ${nodes.join(', ')}`;
  return { links: [`v${String(current.version)} of ${app} is current; ${up}.`], next: `slipway ps -a ${app}` };
}
