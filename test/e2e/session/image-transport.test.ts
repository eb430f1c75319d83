import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join as joinPath } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { receiveSource } from '../../../agent/build/task-folder.ts';
import { Transfers } from '../../../agent/build/transfers.ts';
import { createImageTransport, type ControllerTransport } from '../../../agent/session/image-transport.ts';
import { join } from '../../../agent/session/join.ts';
import { newJoinToken } from '../../../controller/access/tokens.ts';
import type { ApiDeps } from '../../../controller/api/deps.ts';
import type { TaskId } from '../../../shared/domain/ids.ts';
import { systemClock } from '../../../shared/kit/clock.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { openApi, type ApiFixture } from '../../support/api-fixture.ts';
import { digestOfBytes, FakeImages } from '../../support/fake-images.ts';
import { tempDir } from '../../support/certificates.ts';
import { cutPort } from '../../support/cut-port.ts';
import { freePorts } from '../../support/free-ports.ts';

const { signal } = new AbortController();
const isRoot = process.getuid?.() === 0;

async function setUp(
  t: TestContext,
  change: Partial<ApiDeps> = {},
): Promise<{ api: ApiFixture; transport: ControllerTransport; dir: string }> {
  const api = await openApi(change);
  const dir = await tempDir(t);
  const token = newJoinToken();
  await api.store.addJoinToken({ secretHash: token.secretHash, labels: {}, expiresAtMs: Date.now() + 3_600_000 });
  const [secret, caPin] = [token.secret.reveal(), api.authority.pin];
  await join({ url: api.url, token: secret, caPin, name: 'node-one', stateDir: dir, timeoutMs: 120_000 });
  const transport = createImageTransport({ apiUrl: api.url, stateDir: dir });
  t.after(async () => {
    await transport.close();
    await api.close();
  });
  return { api, transport, dir };
}

/** With short pauses, but otherwise as a build has them. */
function transfersOf(warn: (sentence: string) => void): Transfers {
  const clock = { ...systemClock, sleep: () => systemClock.sleep(10) };
  return new Transfers({ clock, random: () => 0, signal, warn });
}

/** A port that passes connections on to the API; the first of them is reset. */
async function openListener(t: TestContext, port: number, api: ApiFixture): Promise<void> {
  let connections = 0;
  const listener = createServer((inside) => {
    connections += 1;
    if (connections === 1) inside.resetAndDestroy();
    else pipeline(inside, connect(Number(new URL(api.url).port), '127.0.0.1'), inside, () => undefined);
  });
  t.after(() => listener.close());
  await once(listener.listen(port, '127.0.0.1'), 'listening');
}

const busy = (): SlipwayError => new SlipwayError({ code: 'SLIP_TEST_BUSY', kind: 'transient', message: 'busy' });

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

  it('gives an error without retries for a missing image', async (t) => {
    const { transport } = await setUp(t);
    await assert.rejects(
      transport.download(digestOfBytes(Buffer.from('x')), 0, signal),
      failsWith('SLIP_IMAGE_NOT_FOUND', 'user'),
    );
  });

  it('opens the source of its task', async (t) => {
    const taskSources = {
      open: (_node: string, task: string) =>
        Promise.resolve(task === 'task00000001' ? Readable.from([Buffer.from('tar')]) : undefined),
    };
    const { transport } = await setUp(t, { taskSources });
    assert.equal((await buffer(await transport.openSource('task00000001' as TaskId, signal))).toString(), 'tar');
    await assert.rejects(transport.openSource('task00000002' as TaskId, signal));
  });

  it('an unreachable controller is a temporary failure', async (t) => {
    const { api, transport } = await setUp(t);
    await api.api.close();
    await assert.rejects(
      transport.download(digestOfBytes(Buffer.from('x')), 0, signal),
      failsWith('SLIP_CONTROLLER_UNREACHABLE', 'transient'),
    );
  });

  it(
    'gives up a connection that is not answered at all',
    { skip: !isRoot && 'needs root: it drops packets' },
    async (t) => {
      const { api, dir } = await setUp(t);
      await cutPort(t, Number(new URL(api.url).port));
      const transport = createImageTransport({ apiUrl: api.url, stateDir: dir, idleTimeoutMs: 200 });
      t.after(() => transport.close());
      await assert.rejects(
        transport.download(digestOfBytes(Buffer.from('x')), 0, signal),
        failsWith('SLIP_CONTROLLER_UNREACHABLE', 'transient'),
      );
    },
  );

  it('of a build sends a layer to a controller that is away, then resets, then is overloaded, then cuts', async (t) => {
    const images = new FakeImages();
    let refusals = 2; // of the question whether the layer is known, then of the layer
    const mayWriteImage = (): Promise<boolean> => (refusals-- > 0 ? Promise.reject(busy()) : Promise.resolve(true));
    const put = images.put.bind(images);
    let puts = 0;
    images.put = async (digest, body) => {
      puts += 1;
      if (puts > 1) await put(digest, body);
      else if (body instanceof Readable) body.destroy();
    };
    const { api, dir } = await setUp(t, { images, mayWriteImage, mayReadImage: () => Promise.resolve(false) });
    const [port] = await freePorts(1);
    const transport = createImageTransport({ apiUrl: `https://127.0.0.1:${String(port)}`, stateDir: dir });
    t.after(() => transport.close());
    const bytes = randomBytes(3_000_000);
    const [path, digest] = [joinPath(dir, 'image'), digestOfBytes(bytes)];
    await writeFile(path, bytes);
    const said: string[] = [];
    const transfers = transfersOf((sentence) => {
      said.push(sentence);
      void openListener(t, port!, api);
    });
    assert.equal(await transfers.retry(() => transport.upload(digest, path, signal)), bytes.length);
    assert.deepEqual(images.kept.get(digest), bytes);
    assert.equal(puts, 2);
    assert.equal(said.length, 1);
  });

  it('of a build fetches a source again from its start when it breaks off', async (t) => {
    const whole = randomBytes(300_000);
    let opened = 0;
    const open = (): Promise<Readable> => {
      opened += 1;
      if (opened === 1) return Promise.reject(busy());
      return Promise.resolve(Readable.from(opened === 2 ? brokenOff(whole) : [whole], { objectMode: false }));
    };
    const { transport, dir } = await setUp(t, { taskSources: { open } });
    const folder = { root: dir, taskDir: dir, resultDir: dir };
    const said: string[] = [];
    const receive = async (): Promise<number> =>
      receiveSource(folder, await transport.openSource('task00000001' as TaskId, signal), {
        limitBytes: 1_000_000,
        signal,
      });
    assert.equal(await transfersOf((sentence) => said.push(sentence)).retry(receive), whole.length);
    assert.deepEqual(await readFile(joinPath(dir, 'source.tar.gz')), whole);
    assert.deepEqual([opened, said.length], [3, 1]);
  });
});

async function* brokenOff(whole: Buffer): AsyncGenerator<Buffer> {
  yield whole.subarray(0, 200_000);
  await Promise.resolve();
  throw new Error('cut');
}
