import type Database from 'better-sqlite3';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { initial } from './migrations/0001-initial.ts';
import { placement } from './migrations/0002-placement.ts';
import { movement } from './migrations/0003-movement.ts';
import { domains } from './migrations/0004-domains.ts';
import { identity } from './migrations/0005-identity.ts';
import { events } from './migrations/0006-events.ts';
import { rebalance } from './migrations/0007-rebalance.ts';
import { builders } from './migrations/0008-builders.ts';
import { quotas } from './migrations/0009-quotas.ts';
import { ceilings } from './migrations/0010-ceilings.ts';
import { buildSettings } from './migrations/0011-build-settings.ts';
import { egress } from './migrations/0012-egress.ts';
import { destroyedApps } from './migrations/0013-destroyed-apps.ts';
import { history } from './migrations/0014-history.ts';
import { tasks } from './migrations/0015-tasks.ts';
import { releases } from './migrations/0016-releases.ts';
import { configKeys } from './migrations/0017-config-keys.ts';
import { appLife } from './migrations/0018-app-life.ts';
import { commands } from './migrations/0019-commands.ts';
import { healthChecks } from './migrations/0021-health-checks.ts';
import { cron } from './migrations/0023-cron.ts';
import { switches } from './migrations/0024-switches.ts';
import { dueScripts } from './migrations/0025-due-scripts.ts';
import { drainedCommands } from './migrations/0026-drained-commands.ts';
import { certificateOrders } from './migrations/0030-certificate-orders.ts';
import { https } from './migrations/0031-https.ts';
import { domainOwners } from './migrations/0033-domain-owners.ts';
import { edge } from './migrations/0034-edge.ts';
import { issuedCertificates } from './migrations/0035-issued-certificates.ts';
import { httpsRules } from './migrations/0036-https-rules.ts';
import { dnsChallenges } from './migrations/0032-dns-challenges.ts';
import { sealedOutputs } from './migrations/0028-sealed-outputs.ts';
import { tlsCertificates } from './migrations/0029-tls-certificates.ts';

/** In order and forward only. The schema version of a file (`user_version`) is the number of its migrations. */
const MIGRATIONS: readonly string[] = [
  ...[initial, placement, movement, domains, identity, events, rebalance, builders, quotas, ceilings],
  ...[buildSettings, egress, destroyedApps, history, tasks, releases, configKeys],
  ...[healthChecks, commands, appLife, cron],
  ...[switches, dueScripts, drainedCommands, sealedOutputs, tlsCertificates, certificateOrders, https],
  ...[dnsChallenges, domainOwners, edge, issuedCertificates, httpsRules],
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/** Databases with a lower schema version have secrets in clear text. */
export const ENCRYPTED_SINCE = MIGRATIONS.indexOf(sealedOutputs) + 1;

/** Brings the file to {@link SCHEMA_VERSION}, each step in a transaction of its own. @throws SLIP_STORE_NEWER */
export function migrate(database: Database.Database, path: string): void {
  const version = Number(database.pragma('user_version', { simple: true }));
  if (version > SCHEMA_VERSION) throw newerSchema(path, version);
  MIGRATIONS.slice(version).forEach((sql, index) => {
    database.transaction(() => {
      database.exec(sql);
      database.pragma(`user_version = ${version + index + 1}`);
    })();
  });
}

function newerSchema(path: string, version: number): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_STORE_NEWER',
    message: `The database ${path} was written by a newer Slipway (schema ${version}, this one knows ${SCHEMA_VERSION}).`,
    hint: 'Start the newer version again. The folder backups beside it has the database of before the upgrade, without the changes since then. Nothing was changed.',
  });
}
