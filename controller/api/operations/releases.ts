import type { CheckBody } from '../../../shared/api/checks.ts';
import { effectiveChecks } from '../../../shared/domain/health-check.ts';
import { SLUGS_KEPT } from '../../../shared/domain/history.ts';
import { slugSizeBytes } from '../../../shared/domain/slug.ts';
import { quoteInput } from '../../../shared/domain/names.ts';
import type { SwitchReport } from '../../../shared/domain/switch-figures.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { App } from '../../domain/apps.ts';
import type { Release } from '../../domain/releases.ts';
import type { User } from '../../domain/users.ts';
import type { RolledBack } from '../../release/rollbacks.ts';
import { restorableVersions } from '../../release/rollback-plan.ts';
import { switchReportOf } from '../../release/switch-report.ts';
import { noteEvent } from '../../store/note-event.ts';
import { releaseUnknown } from '../../store/slug-plan.ts';
import type { ApiDeps } from '../deps.ts';
import { userNames } from '../user-names.ts';
import { viewCheck } from './checks.ts';

type Deps = Pick<ApiDeps, 'store' | 'log' | 'rollbacks' | 'history'>;

export interface ReleaseDescription {
  readonly release: Release;
  readonly user: string;
  readonly processTypes: Readonly<Record<string, string>>;
  readonly buildpacks: readonly string[];
  readonly stack: string;
  readonly sizeBytes: number;
  readonly configNames: readonly string[];
  readonly checks: Readonly<Record<string, readonly CheckBody[]>>;
  readonly restorable: boolean;
  readonly hasOutput: boolean;
  readonly build: string | undefined;
  readonly switch: SwitchReport | undefined;
}

export async function describeRelease(
  deps: Pick<Deps, 'store' | 'log'>,
  app: App,
  version: string,
): Promise<ReleaseDescription> {
  const { store } = deps;
  const release = await findRelease(deps, app, version);
  const { slug, config, buildId } = release;
  const nameOf = await userNames(store, [release.userId]);
  const restorable = restorableVersions(await store.keptReleases(app.id));
  return {
    release,
    user: nameOf(release.userId),
    processTypes: slug.processTypes,
    buildpacks: slug.buildpacks,
    stack: slug.stack,
    sizeBytes: slugSizeBytes(slug),
    configNames: Object.keys(config).sort(),
    checks: Object.fromEntries(
      Object.entries(effectiveChecks(slug.checks, release.checks)).map(([type, each]) => [type, each.map(viewCheck)]),
    ),
    restorable: restorable.includes(release.version),
    hasOutput: (await store.releaseOutput(app.id, release.version)) !== undefined,
    build: buildId,
    switch: await switchReportOf(deps, { appId: app.id, release: release.version }),
  };
}

/** @param text `7` or `v7` @throws SLIP_RELEASE_UNKNOWN, SLIP_RELEASE_VERSION */
export async function findRelease({ store }: Pick<Deps, 'store'>, app: App, text: string): Promise<Release> {
  const version = parseVersion(app, text);
  const release = await store.release(app.id, version);
  if (release === undefined) throw releaseUnknown(app.name, version);
  return release;
}

function parseVersion(app: App, text: string): number {
  const [, digits] = /^v?(\d{1,9})$/.exec(text) ?? [];
  if (digits !== undefined) return Number(digits);
  throw new SlipwayError({
    code: 'SLIP_RELEASE_VERSION',
    message: `${quoteInput(text)} is not a version, such as v7.`,
    hint: `See the releases with: slipway releases -a ${app.name}`,
    httpStatus: 422,
  });
}

export async function readReleaseOutput(
  deps: Pick<Deps, 'store'>,
  app: App,
  text: string,
): Promise<{ readonly version: number; readonly output: string }> {
  const { version, slug } = await findRelease(deps, app, text);
  const output = await deps.store.releaseOutput(app.id, version);
  if (output !== undefined) return { version, output };
  const hasCommand = slug.processTypes['release'] !== undefined || slug.scripts !== undefined;
  throw new SlipwayError({
    code: 'SLIP_RELEASE_OUTPUT',
    message: hasCommand
      ? `The commands of the release v${String(version)} printed nothing, or did not run.`
      : `v${String(version)} of ${app.name} has no release command and no scripts in app.json, so there is no output.`,
    hint: `The output of its build is at: slipway builds -a ${app.name}`,
    httpStatus: 404,
  });
}

export async function rollBack(
  { store, log, rollbacks }: Pick<Deps, 'store' | 'log' | 'rollbacks'>,
  { app, user, version }: { readonly app: App; readonly user: User; readonly version: number | undefined },
): Promise<RolledBack & { readonly from: number | undefined; readonly switch: SwitchReport | undefined }> {
  const before = await store.currentRelease(app.id);
  const done = await rollbacks.rollBack(app, user.id, version);
  const switched = await switchReportOf({ store, log }, { appId: app.id, release: done.version });
  return { ...done, from: before?.version, switch: switched };
}

export interface Retention {
  readonly slugs: number;
  readonly isDefault: boolean;
  readonly restorable: readonly number[];
  readonly pinned: readonly number[];
}

export async function retentionOf({ store }: Pick<Deps, 'store'>, app: App): Promise<Retention> {
  const kept = (await store.appById(app.id))?.releasesKept;
  const releases = await store.keptReleases(app.id);
  return {
    slugs: kept ?? SLUGS_KEPT,
    isDefault: kept === undefined,
    restorable: restorableVersions(releases),
    pinned: releases
      .filter(({ pinned }) => pinned)
      .map(({ version }) => version)
      .reverse(),
  };
}

/** The slugs that are too many are removed at once. */
export async function changeRetention(
  deps: Deps,
  { app, user, slugs }: { readonly app: App; readonly user: User; readonly slugs: number | undefined },
): Promise<Retention> {
  await deps.store.setSlugsKept(app.id, slugs);
  const removed = await deps.store.removeSlugs(app.id);
  const kept = `${String(slugs ?? SLUGS_KEPT)} slugs before the current one are kept for ${app.name}.`;
  noteEvent(deps, { ...eventOf(app, user), kind: 'release.retention', message: kept });
  deps.history.grown(app.id, removed);
  return await retentionOf(deps, app);
}

export async function pinRelease(
  deps: Deps,
  change: { readonly app: App; readonly user: User; readonly version: string; readonly pinned: boolean },
): Promise<void> {
  const { app, user, pinned } = change;
  const version = parseVersion(app, change.version);
  await deps.store.pinRelease(app.id, version, pinned);
  const message = `v${String(version)} of ${app.name} was ${pinned ? 'pinned' : 'unpinned'}.`;
  noteEvent(deps, { ...eventOf(app, user), kind: pinned ? 'release.pinned' : 'release.unpinned', message });
  if (!pinned) deps.history.grown(app.id);
}

function eventOf(app: App, user: User): { readonly actor: string; readonly app: string; readonly next: string } {
  return { actor: user.name, app: app.name, next: `slipway releases -a ${app.name}` };
}
