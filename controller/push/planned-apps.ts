import type { AppName } from '../../shared/domain/names.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import type { RandomId } from '../../shared/kit/random-id.ts';
import { quotaReached } from '../access/quota-error.ts';
import type { Store } from '../store/port.ts';
import type { GitUser, PushApp } from './port.ts';

export interface PlannedAppsDeps {
  readonly store: Pick<Store, 'appById' | 'createApp' | 'quotasOf'>;
  readonly stack: string;
  readonly randomId: RandomId;
}

interface Planned {
  readonly app: PushApp;
  /** Number of first pushes of one user to one name. They share the app. */
  pushes: number;
  making: Promise<unknown> | undefined;
}

/** Apps of first pushes. A planned app has an id and a repository, but it is created only when the push is accepted. */
export class PlannedApps {
  readonly #deps: PlannedAppsDeps;
  readonly #planned = new Map<string, Planned>();

  constructor(deps: PlannedAppsDeps) {
    this.#deps = deps;
  }

  /** Each call needs one call of {@link close}. @throws SLIP_QUOTA before the client sends its pack */
  async plan(user: GitUser, name: AppName): Promise<PushApp> {
    const { max, used } = await this.#deps.store.quotasOf(user.userId);
    if ((used.apps ?? 0) >= max.apps) throw quotaReached({ name: 'apps', max: max.apps, user: user.name });
    const key = keyOf(user, name);
    const known = this.#planned.get(key);
    const planned = known ?? {
      app: { appId: this.#deps.randomId() as AppId, name, isNew: true },
      pushes: 0,
      making: undefined,
    };
    planned.pushes += 1;
    this.#planned.set(key, planned);
    return planned.app;
  }

  /** Creates the app. Call when git has received the pack and at least one branch is accepted. @throws SLIP_APP_EXISTS, SLIP_QUOTA */
  async accept(user: GitUser, { appId, name }: PushApp): Promise<void> {
    const planned = this.#planned.get(keyOf(user, name));
    if (planned?.app.appId !== appId) return;
    planned.making ??= this.#deps.store.createApp({ id: appId, name, ownerId: user.userId, stack: this.#deps.stack });
    try {
      await planned.making;
    } catch (error) {
      planned.making = undefined;
      throw error;
    }
  }

  /** Call when a push has ended. @returns true when the app was not created and no other push uses the repository */
  async close(user: GitUser, { appId, name }: PushApp): Promise<boolean> {
    const key = keyOf(user, name);
    const planned = this.#planned.get(key);
    if (planned?.app.appId !== appId) return false;
    planned.pushes -= 1;
    if (planned.pushes > 0) return false;
    this.#planned.delete(key);
    return (await this.#deps.store.appById(appId)) === undefined;
  }
}

function keyOf({ userId }: GitUser, name: string): string {
  return `${userId} ${name}`;
}
