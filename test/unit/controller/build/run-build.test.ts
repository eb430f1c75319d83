import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { BuildLogs } from '../../../../controller/build/build-log.ts';
import type { BuilderNode } from '../../../../controller/build/port.ts';
import { Builds, DEFAULT_BUILD_POLICY } from '../../../../controller/build/run-build.ts';
import type { NodeId } from '../../../../shared/domain/ids.ts';
import type { Slug } from '../../../../shared/domain/slug.ts';
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
  const builders = { run: () => Promise.resolve({ ...result!, slug }) };
  const deps = { store, builders, pool: { choose: () => BUILDER }, logs: new BuildLogs(dir) };
  const told: string[] = [];
  const request = { app, userId: user.id, commit: COMMIT, commitTimeMs: 0, openSource: () => Promise.reject(new Error('not asked for')) };
  const io = { output: (chunk: string | Uint8Array) => told.push(Buffer.from(chunk).toString()), signal: new AbortController().signal };
  const code = await new Builds({ ...deps, failpoint: noFailpoint, limits: DEFAULT_BUILD_POLICY }).run({ ...request, ...io }).then(
    () => undefined,
    (error: unknown) => (error as { code: string }).code,
  );
  const [build] = await store.builds(app.id, 1);
  await store.close();
  return { code, told: told.join(''), state: build?.state ?? '' };
}

describe('what a builder answers', () => {
  it('is taken when it is of this commit and stack', async () => {
    assert.deepEqual(await buildAnswered(slugOf('a')), { code: undefined, told: '', state: 'succeeded' });
  });

  it('is not used when it is of another commit or stack, and the pusher hears which machine said so', async () => {
    for (const other of [{ commit: 'd'.repeat(40) }, { stack: 'debian-12' }]) {
      const { code, told, state } = await buildAnswered({ ...slugOf('a'), ...other });
      assert.deepEqual([code, state], ['SLIP_BUILD_OTHER', 'failed']);
      assert.match(told, /The builder attic answered with a slug of another commit or stack/);
      assert.match(told, /slipway nodes:revoke attic/);
    }
  });
});
