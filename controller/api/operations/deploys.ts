import type { DeployBody } from '../../../shared/api/deploys.ts';
import { instanceName } from '../../../shared/domain/assignment.ts';
import { SCRIPT_KEYS } from '../../../shared/domain/deploy-scripts.ts';
import type { BuildId } from '../../../shared/domain/ids.ts';
import { BUILD_STATES, isTerminal } from '../../../shared/domain/states.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { App } from '../../domain/apps.ts';
import type { Build } from '../../domain/builds.ts';
import { scriptOf } from '../../domain/commands.ts';
import type { Release } from '../../domain/releases.ts';
import type { User } from '../../domain/users.ts';
import { deployPhase } from '../../observe/deploy-phase.ts';
import { deployAborted } from '../../release/deploy-aborts.ts';
import { switchReportOf } from '../../release/switch-report.ts';
import { noteEvent } from '../../store/note-event.ts';
import type { ApiDeps } from '../deps.ts';
import { sessionsField } from '../sessions.ts';
import { userNames } from '../user-names.ts';

interface Deps extends Pick<ApiDeps, 'store' | 'aborts' | 'log'> {
  readonly attachments: Pick<ApiDeps['attachments'], 'list'>;
  readonly fleet: Pick<ApiDeps['fleet'], 'node' | 'status'>;
}

interface Change {
  readonly app: App;
  readonly user: User;
}

/** The newest deploy, from the database and the reports of the nodes. */
export async function describeDeploy(deps: Deps, app: App): Promise<DeployBody> {
  const { store, aborts } = deps;
  const [[release], [build]] = [await store.releases(app.id, 1), await store.builds(app.id, 1)];
  const instances = await instancesOf(deps, app, release?.version);
  const isRunning = aborts.isRunning(app.id);
  const { phase, about } = deployPhase({ build, release, isRunning, instances });
  const own =
    about === 'build' ? await aboutBuild(store, build) : await aboutRelease(deps, app, { release, instances });
  const subject = about === 'build' ? build : release;
  const nameOf = await userNames(store, subject === undefined ? [] : [subject.userId]);
  return {
    ...{ phase, running: isRunning || RUNNING.has(phase), instances: [], ...own },
    ...sessionsBefore(deps, app, { release, phase }),
    user: subject === undefined ? undefined : nameOf(subject.userId),
    startedAtMs: subject?.createdAtMs,
    failure: subject?.failure,
    switch: await switchOf(deps, app, { about, release }),
  };
}

/** The sessions in instances that the release replaces. A failed one replaces none. */
function sessionsBefore(
  { attachments }: Deps,
  app: App,
  { release, phase }: { readonly release: Release | undefined; readonly phase: DeployBody['phase'] },
): Pick<DeployBody, 'sessions'> {
  const version = REPLACING.has(phase) ? (release?.version ?? 0) : 0;
  return sessionsField(attachments.list().filter((row) => row.appId === app.id && row.release < version));
}

const REPLACING: ReadonlySet<string> = new Set(['starting', 'settling', 'live']);

/** The release command, or a script of app.json, while it runs. They run one after the other. */
async function commandOf({ store, fleet }: Deps, app: App, version: number): Promise<Pick<DeployBody, 'command'>> {
  const rows = await store.unfinishedCommands(app.id);
  const row = rows.find(({ kind, release, state }) => kind === 'release' && release === version && state === 'running');
  if (row === undefined) return {};
  const { process: name, nodeId, startedAtMs = row.createdAtMs } = row;
  const script = scriptOf(row);
  const key = script === undefined ? undefined : SCRIPT_KEYS[script];
  return { command: { name, script: key, node: fleet.node(nodeId)?.name ?? 'removed node', startedAtMs } };
}

/** A build has no figures: they belong to a release. */
async function switchOf(
  deps: Deps,
  { id: appId }: App,
  {
    about,
    release,
  }: { readonly about: 'build' | 'release'; readonly release: { readonly version: number } | undefined },
): Promise<DeployBody['switch']> {
  if (about === 'build' || release === undefined) return undefined;
  return await switchReportOf(deps, { appId, release: release.version });
}

type DeployInstance = DeployBody['instances'][number] & Parameters<typeof deployPhase>[0]['instances'][number];

/** The instances that serve or will serve, of the newest release and of the one before it. */
async function instancesOf(
  { store, fleet }: Deps,
  app: App,
  version: number | undefined,
): Promise<readonly DeployInstance[]> {
  const [rows, nodes] = [await store.assignmentsOfApp(app.id), await store.nodes()];
  const nodeOf = new Map(nodes.map((node) => [node.id, node.name as string]));
  return rows
    .filter((row) => row.desired === 'run')
    .map((row): DeployInstance => {
      const isConnected = fleet.node(row.nodeId)?.connected === true;
      const state: DeployInstance['state'] = isConnected
        ? (fleet.status(row.instanceId)?.state ?? 'pending')
        : 'unknown';
      const shown = { name: instanceName(row), node: nodeOf.get(row.nodeId) ?? 'removed node', state };
      return { ...shown, isNew: row.release === version, isLive: state === 'live' };
    });
}

async function aboutRelease(
  deps: Deps,
  app: App,
  { release, instances }: { readonly release: Release | undefined; readonly instances: readonly DeployInstance[] },
): Promise<Pick<DeployBody, 'version' | 'instances' | 'command'>> {
  const command = release === undefined ? {} : await commandOf(deps, app, release.version);
  const mine = instances.filter(({ isNew }) => isNew).map(({ name, node, state }) => ({ name, node, state }));
  return { version: release?.version, instances: mine, ...command };
}

async function aboutBuild(store: Deps['store'], build: Build | undefined): Promise<Pick<DeployBody, 'build'>> {
  if (build === undefined) return {};
  const task = (await store.unfinishedTasks()).find(({ buildId }) => buildId === build.id);
  const node = (await store.nodes()).find(({ id }) => id === task?.nodeId)?.name;
  return { build: { id: build.id, commit: build.commit, node } };
}

const RUNNING: ReadonlySet<string> = new Set(['queued', 'building', 'waiting', 'starting', 'settling']);

/**
 * Ends the running build or rollout. The answer comes when its end is in the database, so a crash of the controller does not bring it
 * back. When only the scripts of a live release run, it stops them. @throws SLIP_DEPLOY_NONE, SLIP_DEPLOY_TOO_LATE
 */
export async function abortDeploy(deps: Deps, { app, user }: Change): Promise<DeployBody> {
  const { store, aborts } = deps;
  const { phase, version } = await describeDeploy(deps, app);
  const [before, [due]] = [await store.currentRelease(app.id), await store.dueScripts(app.id)];
  const ended = await aborts.abort(app.id, deployAborted(user.name));
  if (ended.size === 0) throw noDeploy(app);
  const now = await store.currentRelease(app.id);
  if (now === undefined) return await noteAborted(deps, { app, user });
  if (now.version !== before?.version) throw tooLate(app, now.version);
  // The work of a push includes its scripts, so the database says whether the release was live.
  const wasLive = !RUNNING.has(phase) || version === now.version;
  if (due === undefined || !ended.has('scripts') || !wasLive) return await noteAborted(deps, { app, user });
  const stoppedScripts = { version: due.version, liveVersion: now.version };
  return { ...(await describeDeploy(deps, app)), stoppedScripts };
}

async function noteAborted(deps: Deps, { app, user }: Change): Promise<DeployBody> {
  const message = `${user.name} aborted the deploy of ${app.name}.`;
  noteEvent(deps, {
    kind: 'deploy.aborted',
    actor: user.name,
    app: app.name,
    message,
    next: `slipway deploy:status -a ${app.name}`,
  });
  return await describeDeploy(deps, app);
}

/** The answer comes when the build has ended. @throws SLIP_BUILD_ENDED */
export async function cancelBuild(
  deps: Pick<ApiDeps, 'store' | 'builds' | 'log'>,
  { app, user, id }: Change & { readonly id: BuildId },
): Promise<Build> {
  const reason = new SlipwayError({
    code: 'SLIP_BUILD_CANCELLED_BY',
    message: `${user.name} cancelled the build.`,
    hint: 'To build it again, push again.',
  });
  const wasRunning = await deps.builds.cancel(id, reason);
  const build = await deps.store.build(id);
  if (!wasRunning || build === undefined || (isTerminal(BUILD_STATES, build.state) && build.state !== 'cancelled'))
    throw buildEnded(app, build);
  const message = `${user.name} cancelled the build of ${build.commit.slice(0, 7)}.`;
  noteEvent(deps, {
    kind: 'build.cancelled',
    actor: user.name,
    app: app.name,
    message,
    next: `slipway builds -a ${app.name}`,
  });
  return build;
}

function noDeploy({ name }: App): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DEPLOY_NONE',
    kind: 'conflict',
    message: `${name} has no running deploy.`,
    hint: `See the last one with: slipway deploy:status -a ${name}`,
  });
}

function tooLate({ name }: App, version: number): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DEPLOY_TOO_LATE',
    kind: 'conflict',
    message: `The deploy of ${name} ended before the abort: v${String(version)} is current.`,
    hint: `See the releases with: slipway releases -a ${name}`,
  });
}

function buildEnded({ name }: App, build: Build | undefined): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_BUILD_ENDED',
    kind: 'conflict',
    message:
      build === undefined ? 'The build has ended.' : `The build ${build.id} is not running: it is ${build.state}.`,
    hint: `See the builds with: slipway builds -a ${name}. A rollout is ended by: slipway deploy:abort -a ${name}`,
  });
}
