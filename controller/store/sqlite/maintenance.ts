import { sql } from 'kysely';
import type { Maintenance } from '../../../shared/domain/fleet-routes.ts';
import { PAGES_BYTES_MAX } from '../../../shared/domain/fleet-routes-size.ts';
import type { AppId } from '../../../shared/domain/ids.ts';
import type { AppName } from '../../../shared/domain/names.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { Tx } from './schema.ts';

/** @throws SLIP_MAINTENANCE_PAGES */
export async function writeMaintenance(
  tx: Tx,
  { id: appId, name }: { readonly id: AppId; readonly name: AppName },
  maintenance: Maintenance | undefined,
): Promise<void> {
  await tx.deleteFrom('maintenancePages').where('appId', '=', appId).execute();
  const page = maintenance?.page;
  if (page !== undefined) {
    const bytes = (await pageBytes(tx)) + Buffer.byteLength(page);
    if (bytes > PAGES_BYTES_MAX) throw tooManyPages(name, bytes);
    await tx.insertInto('maintenancePages').values({ appId, page }).execute();
  }
  const isOn = maintenance === undefined ? 0 : 1;
  await tx.updateTable('apps').set({ maintenance: isOn }).where('id', '=', appId).execute();
}

/** Bytes of the page of one app, or of all pages. */
export async function pageBytes(tx: Tx, appId?: AppId): Promise<number> {
  const where = appId === undefined ? sql`` : sql`where app_id = ${appId}`;
  const sum = sql<{
    bytes: number;
  }>`select coalesce(sum(length(cast(page as blob))), 0) as bytes from maintenance_pages ${where}`;
  return (await sum.execute(tx)).rows[0]?.bytes ?? 0;
}

function tooManyPages(app: string, bytes: number): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_MAINTENANCE_PAGES',
    httpStatus: 422,
    message: `${app} cannot have this maintenance page: the pages of all apps in maintenance would have ${String(bytes)} bytes, and the maximum is ${String(PAGES_BYTES_MAX)}.`,
    hint: `Use a smaller page, or the page of Slipway: slipway maintenance:on -a ${app}`,
  });
}
