import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { openStore } from '../../controller/store/open-store.ts';
import type { Store } from '../../controller/store/port.ts';
import { builders } from '../../controller/store/sqlite/migrations/0008-builders.ts';
import { domains } from '../../controller/store/sqlite/migrations/0004-domains.ts';
import { events } from '../../controller/store/sqlite/migrations/0006-events.ts';
import { identity } from '../../controller/store/sqlite/migrations/0005-identity.ts';
import { initial } from '../../controller/store/sqlite/migrations/0001-initial.ts';
import { movement } from '../../controller/store/sqlite/migrations/0003-movement.ts';
import { placement } from '../../controller/store/sqlite/migrations/0002-placement.ts';
import { quotas } from '../../controller/store/sqlite/migrations/0009-quotas.ts';
import { ceilings } from '../../controller/store/sqlite/migrations/0010-ceilings.ts';
import { buildSettings } from '../../controller/store/sqlite/migrations/0011-build-settings.ts';
import { destroyedApps } from '../../controller/store/sqlite/migrations/0013-destroyed-apps.ts';
import { egress } from '../../controller/store/sqlite/migrations/0012-egress.ts';
import { rebalance } from '../../controller/store/sqlite/migrations/0007-rebalance.ts';
import { history } from '../../controller/store/sqlite/migrations/0014-history.ts';
import { tasks } from '../../controller/store/sqlite/migrations/0015-tasks.ts';
import { releases } from '../../controller/store/sqlite/migrations/0016-releases.ts';
import { configKeys } from '../../controller/store/sqlite/migrations/0017-config-keys.ts';
import { appLife } from '../../controller/store/sqlite/migrations/0018-app-life.ts';
import { commands } from '../../controller/store/sqlite/migrations/0019-commands.ts';
import { healthChecks } from '../../controller/store/sqlite/migrations/0021-health-checks.ts';
import { cron } from '../../controller/store/sqlite/migrations/0023-cron.ts';
import { switches } from '../../controller/store/sqlite/migrations/0024-switches.ts';
import { dueScripts } from '../../controller/store/sqlite/migrations/0025-due-scripts.ts';
import { drainedCommands } from '../../controller/store/sqlite/migrations/0026-drained-commands.ts';
import type { TaskId } from '../../shared/domain/ids.ts';
import { DEFAULT_CEILINGS } from '../../shared/domain/ceilings.ts';
import { parseAppName, parseUserName } from '../../shared/domain/names.ts';
import { DEFAULT_QUOTAS } from '../../shared/domain/quota.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { randomId } from '../../shared/kit/random-id.ts';
import { TEST_KEYRING } from '../support/store-fixtures.ts';

/** As they shipped, in order. */
const STEPS = [
  initial,
  placement,
  movement,
  domains,
  identity,
  events,
  rebalance,
  builders,
  quotas,
  ceilings,
  ...[buildSettings, egress, destroyedApps, history, tasks, releases, configKeys],
  ...[healthChecks, commands, appLife, cron, switches, dueScripts, drainedCommands],
];

describe('the database of an older version', () => {
  let dir: string;
  before(async () => (dir = await mkdtemp(join(tmpdir(), 'slipway-migrations-'))));
  after(() => rm(dir, { recursive: true }));

  const open = (path: string): Promise<Store> =>
    openStore({ path, clock: systemClock, randomId, keyring: TEST_KEYRING });

  /** A file as that version left it, with rows of its time. */
  async function fileOf(version: number): Promise<string> {
    const folder = join(dir, randomId());
    await mkdir(folder);
    const fresh = join(folder, 'fresh', 'slipway.db');
    await (await open(fresh)).close();
    const made = new Database(fresh, { readonly: true });
    const applicationId = Number(made.pragma('application_id', { simple: true }));
    made.close();
    const path = join(folder, 'slipway.db');
    const old = new Database(path);
    old.pragma(`application_id = ${String(applicationId)}`);
    old.exec(STEPS[0] ?? '');
    old.exec(`insert into users (id, name, admin, created_at_ms) values ('useruseruser', 'ada', 1, 1);
      insert into apps (id, name, owner_id, uid_base, stack, created_at_ms) values ('appappappapp', 'shop', 'useruseruser', 65536, 'host', 2);
      insert into config_vars (app_id, name, value) values ('appappappapp', 'GREETING', 'hello');
      insert into formations (app_id, process_type, quantity) values ('appappappapp', 'web', 3);`);
    for (const step of STEPS.slice(1, version)) old.exec(step);
    old.pragma(`user_version = ${String(version)}`);
    old.close();
    return path;
  }

  for (const version of STEPS.keys().map((index) => index + 1)) {
    it(`of schema ${String(version)} is opened with all it has, and with today's defaults for what it does not know`, async () => {
      const path = await fileOf(version);
      const store = await open(path);
      while ((await store.encryptSome()) > 0);
      assert.equal((await store.configKeyUse()).clearText, true);
      const ada = await store.userByName(parseUserName('ada'));
      const app = await store.appByName(parseAppName('shop'));
      assert.ok(ada !== undefined && app !== undefined);
      assert.deepEqual([app.ownerId, app.uidBase, await store.formation(app.id)], [ada.id, 65_536, { web: 3 }]);
      assert.equal((await store.config(app.id))['GREETING']?.reveal(), 'hello');
      const mine = await store.quotasOf(ada.id);
      assert.deepEqual([mine.max, mine.own, mine.used.apps], [DEFAULT_QUOTAS, {}, 1]);
      assert.deepEqual(await store.limitCeilings(), DEFAULT_CEILINGS);
      assert.deepEqual(await store.buildSettings(app.id), { buildpacks: [] });
      assert.deepEqual(await store.egress(), { fleet: [], apps: [] });
      assert.deepEqual(await store.unfinishedTasks(), []);
      assert.deepEqual(await store.healthChecks(app.id), {});
      await store.addDomain(app.id, 'www.example.com');
      await store.removeDomain(app.id, 'www.example.com');
      assert.equal((await store.domainHolder('www.example.com'))?.ownerId, ada.id);
      await store.setQuotas(ada.id, { apps: 7 }, ada.name);
      await store.setLimitCeilings({ pidsMax: 1024 });
      await store.changeBuildSettings(app.id, () => ({ root: 'api', buildpacks: ['./bp'] }));
      await store.changeHealthChecks(app.id, () => ({ web: [] }));
      await store.addEgress(app.id, '10.0.5.0/24');
      await store.close();
      const again = await open(path);
      assert.equal((await again.quotasOf(ada.id)).max.apps, 7);
      assert.equal((await again.limitCeilings()).pidsMax, 1024);
      assert.deepEqual(await again.buildSettings(app.id), { root: 'api', buildpacks: ['./bp'] });
      assert.deepEqual(await again.healthChecks(app.id), { web: [] });
      assert.deepEqual((await again.egress()).apps, [{ app: 'shop', uidBase: app.uidBase, cidrs: ['10.0.5.0/24'] }]);
      await again.close();
    });
  }

  it('has its outputs and buildpacks encrypted, and none is lost', async () => {
    const path = await fileOf(STEPS.length);
    const old = new Database(path);
    old.exec(`insert into nodes (id, name, certificate_serial, state, labels, joined_at_ms, generation)
        values ('nodenodenode', 'fra-1', 'AB', 'ready', '{}', 1, 1);
      insert into releases (app_id, version, state, slug, config, user_id, description, created_at_ms)
        values ('appappappapp', 7, 'failed', '{}', '{}', 'useruseruser', 'x', 3);
      insert into release_outputs (app_id, version, output) values ('appappappapp', 7, 'migrating é');
      insert into tasks (id, kind, app_id, node_id, state, created_at_ms)
        values ('tasktasktask', 'run', 'appappappapp', 'nodenodenode', 'succeeded', 4);
      insert into commands (task_id, app_id, process, number, release, command, memory_bytes, timeout_ms, grace_ms, output)
        values ('tasktasktask', 'appappappapp', 'run.1', 1, 7, 'ls', 1, 1, 1, 'a file');
      insert into build_settings (app_id, root, buildpacks) values ('appappappapp', null, '["https://u:s3cret@x.test/b"]');`);
    old.close();
    const store = await open(path);
    while ((await store.encryptSome()) > 0);
    const app = await store.appByName(parseAppName('shop'));
    assert.ok(app !== undefined);
    assert.equal(await store.releaseOutput(app.id, 7), 'migrating é');
    assert.equal(await store.commandOutput('tasktasktask' as TaskId), 'a file');
    assert.deepEqual((await store.buildSettings(app.id)).buildpacks, ['https://u:s3cret@x.test/b']);
    assert.equal((await store.configKeyUse()).clearText, true);
    await store.close();
    const after = new Database(path, { readonly: true });
    const texts = after
      .prepare('select text from output_chunks union select buildpacks from build_settings')
      .pluck()
      .all();
    assert.deepEqual(
      texts.filter((text) => /migrating|file|s3cret/.test(String(text))),
      [],
    );
    after.close();
  });
});
