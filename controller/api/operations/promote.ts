import type { SwitchReport } from '../../../shared/domain/switch-figures.ts';
import type { App } from '../../domain/apps.ts';
import type { User } from '../../domain/users.ts';
import type { Promoted } from '../../release/promotions.ts';
import { requireApp } from '../authenticate.ts';
import type { ApiDeps } from '../deps.ts';

/** The user must be allowed to change both apps. @throws SLIP_APP_NOT_FOUND for the other app */
export async function promote(
  { store, promotions }: Pick<ApiDeps, 'store' | 'promotions'>,
  { app, user, to }: { readonly app: App; readonly user: User; readonly to: string },
): Promise<Promoted & { readonly target: App; readonly switch: SwitchReport | undefined }> {
  const target = await requireApp({ store }, { user, name: to, action: 'app.write' });
  const done = await promotions.promote(user.id, { from: app, to: target });
  const switched = await store.switchReport({ appId: target.id, release: done.version });
  return { ...done, target, switch: switched };
}
