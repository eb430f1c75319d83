import { isDeepStrictEqual } from 'node:util';
import type { HealthCheck, HealthChecks } from '../../shared/domain/health-check.ts';
import { checkSize, readHealthCheck } from '../../shared/domain/read-health-checks.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { KeyedQueue } from '../../shared/kit/keyed-queue.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { ownProperty } from '../../shared/kit/own-property.ts';
import type { App } from '../domain/apps.ts';
import type { Release } from '../domain/releases.ts';
import type { User } from '../domain/users.ts';
import { checkProcessType } from '../assignments/check-process-type.ts';
import { noteEvent } from '../store/note-event.ts';
import type { Store } from '../store/port.ts';
import type { Releases } from './releases.ts';

export interface CheckChangesDeps {
  readonly store: Store;
  readonly queue: KeyedQueue;
  readonly releases: Pick<Releases, 'createOrFail'>;
  readonly log: Logger;
}

interface Change {
  readonly app: App;
  readonly user: User;
  /** The process type. */
  readonly type: string;
}

/** Changes the health checks that are set for an app. Each change is a release, because the instances get it with their release. */
export class CheckChanges {
  readonly #deps: CheckChangesDeps;

  constructor(deps: CheckChangesDeps) {
    this.#deps = deps;
  }

  /**
   * Sets one check in the format of app.json. It takes the place of the check of the same type; the other checks of app.json become settings.
   * @returns the version of the release, if the change made one @throws SLIP_CHECK_INVALID, SLIP_PS_TYPE, and the failure of the release
   */
  async set(change: Change, wanted: unknown): Promise<number | undefined> {
    const check = readHealthCheck(change.type, wanted, { path: 'check', refuse: invalid });
    return await this.#change(change, `Set the ${check.type} check of ${change.type}`, (now, declared) => {
      const list = ownProperty(now, change.type) ?? ownProperty(declared, change.type) ?? [];
      return { ...now, [change.type]: [...list.filter((one) => one.type !== check.type), check] };
    });
  }

  /** The process type has no checks, also none of app.json. @throws SLIP_PS_TYPE, and the failure of the release */
  disable(change: Change): Promise<number | undefined> {
    const { type } = change;
    return this.#change(change, `Disable the checks of ${type}`, (now) => ({ ...now, [type]: [] }));
  }

  /** app.json decides about the process type again. @throws SLIP_CHECK_NOT_SET, and the failure of the release */
  unset(change: Change): Promise<number | undefined> {
    const { app, type } = change;
    return this.#change(change, `Unset the checks of ${type}`, ({ [type]: before, ...rest }) => {
      if (before === undefined) throw notSet(app, type);
      return rest;
    });
  }

  async #change(
    { app, user, type }: Change,
    description: string,
    edit: (now: HealthChecks, declared: HealthChecks) => Readonly<Record<string, readonly HealthCheck[]>>,
  ): Promise<number | undefined> {
    const { store, queue } = this.#deps;
    return await queue.enqueue(app.id, async () => {
      const current = await store.currentRelease(app.id);
      checkProcessType(app, current, type);
      const declared = current?.slug.checks ?? {};
      const checks = edit(await store.healthChecks(app.id), declared);
      checkSize({ ...declared, ...checks }, invalid);
      const version = await this.#apply(app, current, { checks, userId: user.id, description });
      const next = `slipway checks -a ${app.name}`;
      noteEvent(this.#deps, { kind: 'app.checks', actor: user.name, app: app.name, message: `${description}.`, next });
      return version;
    });
  }

  /** The settings of the app become those of the release in the transaction that makes it current. A release that fails changes none. */
  async #apply(
    app: App,
    current: Release | undefined,
    { checks, ...by }: Pick<Release, 'userId' | 'description'> & { readonly checks: HealthChecks },
  ): Promise<number | undefined> {
    const { store, releases } = this.#deps;
    if (current === undefined || isDeepStrictEqual(stored(checks), stored(current.checks ?? {}))) {
      await store.changeHealthChecks(app.id, () => checks);
      return undefined;
    }
    const { appId, slug, ref } = current;
    const config = await store.config(app.id);
    const kept = `The checks stay as they were: slipway checks -a ${app.name}`;
    const wanted = { appId, slug, ref, cause: 'settings', config, checks, ...by } as const;
    return (await releases.createOrFail(app, wanted, kept)).version;
  }
}

/** As the database has it: without absent fields. */
function stored(checks: HealthChecks): unknown {
  return JSON.parse(JSON.stringify(checks));
}

function invalid(what: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CHECK_INVALID',
    message: `The health check is not valid: ${what}.`,
    hint: 'For example: slipway checks:set web --path /up --type readiness',
    httpStatus: 422,
  });
}

function notSet(app: App, type: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CHECK_NOT_SET',
    message: `No health checks are set for ${type} of ${app.name}.`,
    hint: `Checks of app.json are changed in app.json. See all with: slipway checks -a ${app.name}`,
    httpStatus: 404,
  });
}
