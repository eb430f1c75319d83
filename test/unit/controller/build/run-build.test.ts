import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { BuildLogs } from '../../../../controller/build/build-log.ts';
import type { BuilderNode } from '../../../../controller/build/port.ts';
import { Builds, DEFAULT_BUILD_POLICY } from '../../../../controller/build/run-build.ts';
import { DEFAULT_BUILD_LIMITS } from '../../../../shared/domain/assignment.ts';
import type { BuildTask } from '../../../../shared/domain/build.ts';
import type { NodeId } from '../../../../shared/domain/ids.ts';
import type { Slug } from '../../../../shared/domain/slug.ts';
import { SlipwayError } from '../../../../shared/kit/errors.ts';
import { noFailpoint } from '../../../../shared/kit/failpoint.ts';
import { anyBuildResult } from '../../../support/arbitraries.ts';
import { addApp, addUser, openMemoryStore, slugOf } from '../../../support/store-fixtures.ts';

const COMMIT = 'c'.repeat(40);
const BUILDER = { nodeId: 'n1' as NodeId, name: 'attic' } as BuilderNode;
const dir = mkdtempSync(join(tmpdir(), 'slipway-builds-'));
after(() => {
  rmSync(dir, { recursive: true, force: true });
});

/** A build of one commit, answered by its builder with this slug; what the pusher was told, and what is kept. */
async function buildAnswered(slug: Slug): Promise<{ code: string | undefined; told: string; state: string }> {
  const store = await openMemoryStore();
  const user = await addUser(store);
  const app = await addApp(store, user.id);
  const [result] = fc.sample(anyBuildResult, { numRuns: 1, seed: 1 });
  const builders = { runBuild: () => Promise.resolve({ ...result!, slug }) };
  const deps = { store, builders, pool: { choose: () => BUILDER }, logs: new BuildLogs(dir) };
  const told: string[] = [];
  const request = {
    app,
    userId: user.id,
    commit: COMMIT,
    commitTimeMs: 0,
    findSource: () => Promise.resolve(() => Promise.reject(new Error('not asked for'))),
  };
  const io = {
    output: (chunk: string | Uint8Array) => told.push(Buffer.from(chunk).toString()),
    signal: new AbortController().signal,
  };
  const code = await new Builds({ ...deps, failpoint: noFailpoint, limits: DEFAULT_BUILD_POLICY })
    .build({ ...request, ...io })
    .then(
      () => undefined,
      (error: unknown) => (error as { code: string }).code,
    );
  const [build] = await store.builds(app.id, 1);
  await store.close();
  return { code, told: told.join(''), state: build?.state ?? '' };
}

describe('the task of a builder', () => {
  it('has the root and the buildpacks of the app, and the user sees the folder', async () => {
    const store = await openMemoryStore();
    const user = await addUser(store);
    const app = await addApp(store, user.id);
    const limits = { memoryBytes: 4 * 1024 ** 3, timeoutMs: 120_000 };
    const settings = { root: 'services/api', buildpacks: ['heroku/nodejs'], limits, cacheNumber: 2 };
    await store.changeBuildSettings(app.id, () => settings);
    let buildpacks: readonly string[] = [];
    let given: Partial<BuildTask> = {};
    const run = ({ task }: { task: BuildTask }): Promise<never> => {
      ({ buildpacks } = task);
      given = task;
      return Promise.reject(new SlipwayError({ code: 'SLIP_BUILDER_LOST', message: 'Far enough.' }));
    };
    const deps = { store, builders: { runBuild: run }, pool: { choose: () => BUILDER }, logs: new BuildLogs(dir) };
    const builds = new Builds({ ...deps, failpoint: noFailpoint, limits: DEFAULT_BUILD_POLICY });
    let told = '';
    const roots: unknown[] = [];
    const ask = { app, userId: user.id, commit: COMMIT, commitTimeMs: 0, signal: new AbortController().signal };
    const output = (chunk: string | Uint8Array): void => void (told += Buffer.from(chunk).toString());
    const push = (absent?: Error): Promise<unknown> =>
      builds.build({
        ...{ ...ask, output },
        findSource: (root) => {
          roots.push(root);
          return absent === undefined
            ? Promise.resolve(() => Promise.reject(new Error('not asked for')))
            : Promise.reject(absent);
        },
      });
    await assert.rejects(push(), { code: 'SLIP_BUILDER_LOST' });
    assert.deepEqual([roots, buildpacks], [['services/api'], ['heroku/nodejs']]);
    assert.match(told, /^-----> Building the folder services\/api of the repository/);
    buildpacks = [];
    await assert.rejects(push(new SlipwayError({ code: 'SLIP_BUILD_ROOT_ABSENT', message: 'No folder.' })), {
      code: 'SLIP_BUILD_ROOT_ABSENT',
    });
    assert.equal(given.limits?.memoryBytes, limits.memoryBytes);
    assert.equal(given.limits.diskBytes, DEFAULT_BUILD_LIMITS.diskBytes);
    assert.deepEqual([given.timeoutMs, given.cacheNumber], [120_000, 2]);
    assert.deepEqual(buildpacks, [], 'nothing is built in place of a folder that is absent');
    await store.close();
  });
});

describe('the result of a builder', () => {
  it('is used when it has the right commit and stack', async () => {
    assert.deepEqual(await buildAnswered(slugOf('a')), { code: undefined, told: '', state: 'succeeded' });
  });

  it('is refused when it has another commit or stack, and the error names the builder', async () => {
    for (const other of [{ commit: 'd'.repeat(40) }, { stack: 'debian-12' }]) {
      const { code, told, state } = await buildAnswered({ ...slugOf('a'), ...other });
      assert.deepEqual([code, state], ['SLIP_BUILD_OTHER', 'failed']);
      assert.match(told, /The builder attic returned a slug of another commit or stack/);
      assert.match(told, /slipway nodes:revoke attic/);
    }
  });
});

describe('the cancellation of a build', () => {
  it('ends the task, is told to the pusher with its author, and is answered when it is stored', async () => {
    const store = await openMemoryStore();
    const user = await addUser(store);
    const app = await addApp(store, user.id);
    const started = Promise.withResolvers<undefined>();
    const runBuild = ({ signal }: { signal: AbortSignal }): Promise<never> =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
        started.resolve(undefined);
      });
    const deps = { store, builders: { runBuild }, pool: { choose: () => BUILDER }, logs: new BuildLogs(dir) };
    const builds = new Builds({ ...deps, failpoint: noFailpoint, limits: DEFAULT_BUILD_POLICY });
    let told = '';
    const pushed = builds.build({
      ...{ app, userId: user.id, commit: COMMIT, commitTimeMs: 0, signal: new AbortController().signal },
      findSource: () => Promise.resolve(() => Promise.reject(new Error('not asked for'))),
      output: (chunk) => void (told += Buffer.from(chunk).toString()),
    });
    const refused = assert.rejects(pushed, { code: 'SLIP_BUILD_CANCELLED_BY' });
    await started.promise;
    const { id } = (await store.builds(app.id, 1))[0]!;
    const reason = new SlipwayError({ code: 'SLIP_BUILD_CANCELLED_BY', message: 'bob cancelled the build.' });
    assert.equal(await builds.cancel(id, reason), true);
    assert.equal((await store.build(id))?.state, 'cancelled');
    assert.match(told, /bob cancelled the build/);
    await refused;
    assert.equal(await builds.cancel(id, reason), false);
    await store.close();
  });
});
