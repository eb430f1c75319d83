import type { SwitchReport } from '../../../shared/domain/switch-figures.ts';
import type { App } from '../../domain/apps.ts';
import type { User } from '../../domain/users.ts';
import type { Promoted } from '../../release/promotions.ts';
import { switchReportOf } from '../../release/switch-report.ts';
import { requireApp } from '../authenticate.ts';
import type { ApiDeps } from '../deps.ts';

/** The user must be allowed to change both apps. @throws SLIP_APP_NOT_FOUND for the other app */
export async function promote(
  { store, log, promotions }: Pick<ApiDeps, 'store' | 'log' | 'promotions'>,
  { app, user, to }: { readonly app: App; readonly user: User; readonly to: string },
): Promise<Promoted & { readonly target: App; readonly switch: SwitchReport | undefined }> {
  const target = await requireApp({ store }, { user, name: to, action: 'app.write' });
  const done = await promotions.promote(user.id, { from: app, to: target });
  const switched = await switchReportOf({ store, log }, { appId: target.id, release: done.version });
  return { ...done, target, switch: switched };
}
