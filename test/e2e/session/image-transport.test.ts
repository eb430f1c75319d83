import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { createImageTransport, type ControllerTransport } from '../../../agent/session/image-transport.ts';
import { join } from '../../../agent/session/join.ts';
import { newJoinToken } from '../../../controller/access/tokens.ts';
import type { ApiDeps } from '../../../controller/api/deps.ts';
import type { TaskId } from '../../../shared/domain/ids.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { digestOfBytes, openApi, type ApiFixture } from '../../support/api-fixture.ts';
import { tempDir } from '../../support/certificates.ts';

const { signal } = new AbortController();

async function setUp(
  t: TestContext,
  change: Partial<ApiDeps> = {},
): Promise<{ api: ApiFixture; transport: ControllerTransport; dir: string }> {
  const api = await openApi(change);
  const dir = await tempDir(t);
  const token = newJoinToken();
  await api.store.addJoinToken({ secretHash: token.secretHash, labels: {}, expiresAtMs: Date.now() + 60_000 });
  await join({ url: api.url, token: token.secret.reveal(), caPin: api.authority.pin, name: 'node-one', stateDir: dir });
  const transport = createImageTransport({ apiUrl: api.url, stateDir: dir });
  t.after(async () => {
    await transport.close();
    await api.close();
  });
  return { api, transport, dir };
}

const failsWith = (code: string, kind: string) => (error: unknown) => {
  assert.ok(error instanceof SlipwayError, String(error));
  assert.deepEqual([error.code, error.kind], [code, kind]);
  return true;
};

describe('image transport', () => {
  it('sends an image once, and fetches it whole or from an offset', async (t) => {
    const { api, transport, dir } = await setUp(t);
    const bytes = randomBytes(3_000_000);
    const [path, digest] = [joinPath(dir, 'image'), digestOfBytes(bytes)];
    await writeFile(path, bytes);
    assert.equal(await transport.upload(digest, path, signal), bytes.length);
    assert.deepEqual(api.images.kept.get(digest), bytes);
    assert.equal(await transport.upload(digest, path, signal), 0);
    assert.deepEqual(await buffer(await transport.download(digest, 0, signal)), bytes);
    assert.deepEqual(await buffer(await transport.download(digest, 2_999_000, signal)), bytes.subarray(2_999_000));
    assert.equal((await buffer(await transport.download(digest, bytes.length, signal))).length, 0);
  });

  it('says that an image is not there in a way that is not tried again', async (t) => {
    const { transport } = await setUp(t);
    await assert.rejects(transport.download(digestOfBytes(Buffer.from('x')), 0, signal), failsWith('SLIP_IMAGE_NOT_FOUND', 'user'));
  });

  it('opens the source of its task', async (t) => {
    const taskSources = {
      open: (_node: string, task: string) => Promise.resolve(task === 'task00000001' ? Readable.from([Buffer.from('tar')]) : undefined),
    };
    const { transport } = await setUp(t, { taskSources });
    assert.equal((await buffer(await transport.openSource('task00000001' as TaskId, signal))).toString(), 'tar');
    await assert.rejects(transport.openSource('task00000002' as TaskId, signal));
  });

  it('a controller that is away is a passing trouble', async (t) => {
    const { api, transport } = await setUp(t);
    await api.api.close();
    await assert.rejects(
      transport.download(digestOfBytes(Buffer.from('x')), 0, signal),
      failsWith('SLIP_CONTROLLER_UNREACHABLE', 'transient'),
    );
  });
});
