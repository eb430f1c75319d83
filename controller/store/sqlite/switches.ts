import type { SwitchStore } from '../switch-port.ts';
import type { RepositoryDeps } from './repository.ts';
import { countingSwitchRow, parseRowIfAny, parseRows, switchReportRow } from './rows.ts';

export function createSwitches({ inTransaction }: RepositoryDeps): SwitchStore {
  return {
    beginSwitch: ({ appId, release: version, begun }) =>
      inTransaction(async (tx) => {
        await tx
          .insertInto('switches')
          .values({ appId, version, begun: JSON.stringify(begun), report: null })
          .execute();
      }),
    setSwitchReport: ({ appId, release }, report) =>
      inTransaction(async (tx) => {
        await tx
          .updateTable('switches')
          .set({ report: JSON.stringify(report) })
          .where('appId', '=', appId)
          .where('version', '=', release)
          .where('counting', '=', 1)
          .execute();
      }),
    endSwitch: ({ appId, release }) =>
      inTransaction(async (tx) => {
        const row = tx.updateTable('switches').set({ counting: 0 }).where('appId', '=', appId);
        await row.where('version', '=', release).execute();
      }),
    switchReport: ({ appId, release }) =>
      inTransaction(async (tx) => {
        const row = tx.selectFrom('switches').select('report').where('appId', '=', appId);
        const found = await row.where('version', '=', release).executeTakeFirst();
        return parseRowIfAny(switchReportRow, found)?.report;
      }),
    countingSwitches: () =>
      inTransaction(async (tx) => {
        const rows = tx.selectFrom('switches').select(['appId', 'version as release', 'begun']);
        return parseRows(countingSwitchRow, await rows.where('counting', '=', 1).execute());
      }),
  };
}
