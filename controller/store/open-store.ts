import { DOMAINS_BYTES_MAX } from '../../shared/domain/fleet-routes-size.ts';
import { DEFAULT_QUOTAS, type Quotas } from '../../shared/domain/quota.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { RandomId } from '../../shared/kit/random-id.ts';
import { createConfigCipher } from '../secrets/config-cipher.ts';
import type { Keyring } from '../secrets/keyring.ts';
import type { ConfigKeyStore } from './config-key-port.ts';
import type { Store } from './port.ts';
import { createAppLife } from './sqlite/app-life.ts';
import { createAppOverviews } from './sqlite/app-overviews.ts';
import { createApps, createSettings } from './sqlite/apps.ts';
import { createAssignments } from './sqlite/assignments.ts';
import { createBuildSettings } from './sqlite/build-settings.ts';
import { createBuilds } from './sqlite/builds.ts';
import { createTasks } from './sqlite/tasks.ts';
import { createCommands } from './sqlite/commands.ts';
import { createIssuedCertificates } from './sqlite/issued-certificates.ts';
import { createCertificateOrders } from './sqlite/certificate-orders.ts';
import { createConfigKeys } from './sqlite/config-keys.ts';
import { createCron } from './sqlite/cron.ts';
import { createController } from './sqlite/controller.ts';
import { createDestroyed } from './sqlite/destroyed.ts';
import { createDnsChallenges } from './sqlite/dns-challenges.ts';
import { createDueScripts } from './sqlite/due-scripts.ts';
import { createDomains } from './sqlite/domains.ts';
import { createEdge } from './sqlite/edge.ts';
import { createEgress } from './sqlite/egress.ts';
import { announcing, createEvents } from './sqlite/events.ts';
import { createCertificates } from './sqlite/certificates.ts';
import { createBulkQueries } from './sqlite/bulk-queries.ts';
import { createHealthChecks } from './sqlite/health-checks.ts';
import { createHistory } from './sqlite/history.ts';
import { createJoinTokens } from './sqlite/join-tokens.ts';
import { createNodeChanges } from './sqlite/node-changes.ts';
import { createQuotas } from './sqlite/quotas.ts';
import { createNodes } from './sqlite/nodes.ts';
import { IN_MEMORY, openDatabase } from './sqlite/open-database.ts';
import { createProcessSettings } from './sqlite/process-settings.ts';
import type { RepositoryDeps } from './sqlite/repository.ts';
import { createReleaseOutputs } from './sqlite/release-outputs.ts';
import { createReleaseSlugs } from './sqlite/release-slugs.ts';
import { createReleases, createRollouts } from './sqlite/releases.ts';
import { lockState } from './sqlite/state-lock.ts';
import { translateStoreError } from './sqlite/store-errors.ts';
import { createTlsCertificates } from './sqlite/tls-certificates.ts';
import { createHttpsRules } from './sqlite/https-rules.ts';
import { createTlsSettings } from './sqlite/tls-settings.ts';
import { createSwitches } from './sqlite/switches.ts';
import { createInTransaction, createKysely } from './sqlite/transactions.ts';
import { keepCopy, restoreCopy } from './sqlite/upgrade-backup.ts';
import { createKeys, createTokens, createUsers } from './sqlite/users.ts';

export interface StoreOptions {
  /** Database file, e.g. `<state>/slipway.db`; `:memory:` for tests. Its folder is made (0700) and locked. */
  readonly path: string;
  readonly clock: Clock;
  readonly randomId: RandomId;
  /** The keys of the config values. Empty: config values can be neither read nor written. */
  readonly keyring: Keyring;
  /** The operator's numbers; default: {@link DEFAULT_QUOTAS}. */
  readonly quotas?: Partial<Quotas> | undefined;
  /** Default: {@link DOMAINS_BYTES_MAX}. */
  readonly domainsBytesMax?: number | undefined;
}

/** See `restoreCopy`: undoes the migration of an upgrade that failed before the controller accepted work. */
export async function undoUpgrade(path: string): Promise<boolean> {
  try {
    return await restoreCopy(path);
  } catch (error) {
    throw translateStoreError(error, path);
  }
}

/**
 * Opens the database of the controller, or creates it at the first start, and locks the state folder until `close`.
 * @throws SLIP_STORE_LOCKED when another controller uses it; SLIP_STORE_DAMAGED, _MISSING, _FOREIGN, _NEWER (it is
 * never replaced by a new one); SLIP_DISK_FULL
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { path, clock, randomId } = options;
  const lock = path === IN_MEMORY ? undefined : await lockState(path);
  try {
    const db = createKysely(await openDatabase(path, lock));
    const { inTransaction, onEvents } = announcing(createInTransaction(db, path, clock));
    const deps = {
      inTransaction,
      clock,
      randomId,
      cipher: createConfigCipher(options.keyring),
      quotas: { ...DEFAULT_QUOTAS, ...options.quotas },
      domainsBytesMax: options.domainsBytesMax ?? DOMAINS_BYTES_MAX,
    };
    return {
      ...createTables(deps),
      ...createConfigKeys(deps, { db, keyring: options.keyring }),
      ...createEvents(deps, onEvents),
      acceptUpgrade: async () => {
        if (path !== IN_MEMORY) await keepCopy(path, clock);
      },
      close: async () => {
        await db.destroy();
        lock?.release();
      },
    };
  } catch (error) {
    lock?.release();
    throw translateStoreError(error, path);
  }
}

type Tables = Omit<Store, keyof ConfigKeyStore | 'addEvent' | 'events' | 'onEvents' | 'acceptUpgrade' | 'close'>;

function createTables(deps: RepositoryDeps): Tables {
  return {
    ...createController(deps),
    ...createUsers(deps),
    ...createKeys(deps),
    ...createTokens(deps),
    ...createApps(deps),
    ...createAppLife(deps),
    ...createSettings(deps),
    ...createProcessSettings(deps),
    ...createDestroyed(deps),
    ...createDomains(deps),
    ...createEdge(deps),
    ...createEgress(deps),
    ...createTlsCertificates(deps),
    ...createBuildSettings(deps),
    ...createHealthChecks(deps),
    ...createQuotas(deps),
    ...createAppOverviews(deps),
    ...createBuilds(deps),
    ...createTasks(deps),
    ...createCommands(deps),
    ...createCron(deps),
    ...createReleases(deps),
    ...createReleaseOutputs(deps),
    ...createDueScripts(deps),
    ...createReleaseSlugs(deps),
    ...createRollouts(deps),
    ...createSwitches(deps),
    ...createHistory(deps),
    ...createNodes(deps),
    ...createNodeChanges(deps),
    ...createCertificates(deps),
    ...createCertificateOrders(deps),
    ...createIssuedCertificates(deps),
    ...createTlsSettings(deps),
    ...createHttpsRules(deps),
    ...createDnsChallenges(deps),
    ...createJoinTokens(deps),
    ...createAssignments(deps),
    ...createBulkQueries(deps),
  };
}
