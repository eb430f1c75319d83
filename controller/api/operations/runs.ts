import type { NewRun } from '../../../shared/api/runs.ts';
import { checkCeilings } from '../../../shared/domain/ceilings.ts';
import { checkConfigSize } from '../../../shared/domain/config-size.ts';
import { quoteInput } from '../../../shared/domain/names.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { ownProperty } from '../../../shared/kit/own-property.ts';
import { sealAll } from '../../../shared/kit/sensitive.ts';
import type { App } from '../../domain/apps.ts';
import { holdsRelease, type CommandRow } from '../../domain/commands.ts';
import type { Release } from '../../domain/releases.ts';
import type { User } from '../../domain/users.ts';
import { checkConfig } from '../../release/config-changes.ts';
import { noteEvent } from '../../store/note-event.ts';
import type { ApiDeps } from '../deps.ts';

type Deps = Pick<ApiDeps, 'store' | 'oneOffs' | 'log'>;

/** As on Heroku. */
const DEFAULT_TTL_MS = 24 * 60 * 60_000;

/** @throws SLIP_RUN_NO_RELEASE, SLIP_PS_TYPE, SLIP_PS_CEILING, SLIP_COMMAND_LIMIT, SLIP_COMMAND_NO_NODE */
export async function startRun(
  deps: Deps,
  { app, user, wanted }: { readonly app: App; readonly user: User; readonly wanted: NewRun },
): Promise<CommandRow> {
  const { store, oneOffs } = deps;
  const release = await store.currentRelease(app.id);
  if (release === undefined) throw noRelease(app);
  const { memoryBytes, env = {}, node, attached, ttlMs: timeoutMs = DEFAULT_TTL_MS } = wanted;
  if (memoryBytes !== undefined) checkCeilings({ memoryBytes }, undefined, await store.limitCeilings());
  for (const [name, value] of Object.entries(env)) checkConfig(name, value);
  const sealed = sealAll(env);
  checkConfigSize(app.name, { ...release.config, ...sealed });
  const { command, processType } = commandOf(app, release, wanted);
  const request = { kind: 'run', release, command, processType, memoryBytes, env: sealed, node, timeoutMs } as const;
  const row = await oneOffs.start(app, { ...request, attached, userId: user.id });
  const message = `Started ${row.process} with release v${String(release.version)}.`;
  note(deps, { app, user, row }, { kind: 'run.started', message });
  return row;
}

/** Asks for the end of a command. One that has ended stays as it is. @throws SLIP_RUN_UNKNOWN, SLIP_RUN_RELEASE_COMMAND */
export async function stopRun(
  deps: Deps,
  { app, user, name }: { readonly app: App; readonly user: User; readonly name: string },
): Promise<CommandRow> {
  const row = await findRun(deps, app, name);
  if (holdsRelease(row)) throw releaseCommand(row);
  if (row.finishedAtMs !== undefined) return row;
  await deps.oneOffs.stop(row);
  note(deps, { app, user, row }, { kind: 'run.stopped', message: `Stopped ${row.process}.` });
  return row;
}

/** `run.4`, or `4` for short. @throws SLIP_RUN_UNKNOWN */
export async function findRun({ store }: Pick<Deps, 'store'>, app: App, name: string): Promise<CommandRow> {
  const found = await store.commandByProcess(app.id, /^\d{1,9}$/.test(name) ? `run.${name}` : name.slice(0, 100));
  if (found !== undefined) return found;
  throw new SlipwayError({
    code: 'SLIP_RUN_UNKNOWN',
    message: `${app.name} has no one-off command ${quoteInput(name)}.`,
    hint: `List them with: slipway run:list -a ${app.name}`,
    httpStatus: 404,
  });
}

/** As on Heroku, the name of a process type alone means its command. @throws SLIP_PS_TYPE */
function commandOf(
  app: App,
  { slug }: Release,
  { command: given, type }: NewRun,
): { readonly command: string; readonly processType: string } {
  if (type !== undefined && ownProperty(slug.processTypes, type) === undefined) throw unknownType(app, type, slug);
  const named = ownProperty(slug.processTypes, given.trim());
  if (named === undefined) return { command: given, processType: type ?? 'run' };
  return { command: named, processType: type ?? given.trim() };
}

function unknownType(app: App, type: string, { processTypes }: Release['slug']): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_PS_TYPE',
    message: `${app.name} has no process type ${quoteInput(type)}.`,
    hint: `Its process types are: ${Object.keys(processTypes).sort().join(', ')}.`,
    httpStatus: 422,
  });
}

function noRelease({ name }: App): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_RUN_NO_RELEASE',
    message: `${name} has no release, so there is nothing to run a command in.`,
    hint: 'Deploy it first: git push slipway main',
    httpStatus: 409,
  });
}

function releaseCommand({ app, process }: CommandRow): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_RUN_RELEASE_COMMAND',
    message: `${process} of ${app} is a release command or a predeploy script. Its release waits for it.`,
    hint: 'Abort the push with Ctrl-C. Then the release fails, and the command is stopped.',
    httpStatus: 409,
  });
}

function note(
  { store, log }: Deps,
  about: { readonly app: App; readonly user: User; readonly row: CommandRow },
  event: { readonly kind: string; readonly message: string },
): void {
  const { app, user, row } = about;
  const next = `slipway run:logs ${row.process} -a ${app.name}`;
  noteEvent({ store, log }, { ...event, actor: user.name, app: app.name, instance: row.process, next });
}
