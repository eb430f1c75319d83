import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import type { ImageStore } from '../../controller/build/port.ts';
import type { Digest } from '../../shared/domain/ids.ts';

const never = new AbortController().signal;

export function digestOf(bytes: Buffer): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
}

/** What every image store of a controller promises. */
export function describeImageStore(
  kind: string,
  openStore: () => Promise<{ store: ImageStore } & AsyncDisposable>,
): void {
  describe(`image store, ${kind}`, () => {
    it('returns the stored bytes from any offset', async () => {
      await using opened = await openStore();
      const bytes = randomBytes(300_000);
      const digest = digestOf(bytes);
      assert.equal(await opened.store.has(digest), false);
      assert.equal(await opened.store.sizeBytes(digest), undefined);
      await opened.store.put(digest, Readable.from([bytes.subarray(0, 1000), bytes.subarray(1000)]), never);
      assert.equal(await opened.store.sizeBytes(digest), bytes.length);
      for (const offset of [0, 1, 299_999, 300_000]) {
        assert.deepEqual(await buffer(await opened.store.open(digest, offset)), bytes.subarray(offset));
      }
    });

    it('does not store an image with another digest', async () => {
      await using opened = await openStore();
      const digest = digestOf(Buffer.from('promised'));
      await assert.rejects(opened.store.put(digest, Readable.from([Buffer.from('other')]), never), {
        code: 'SLIP_IMAGE_DIGEST',
      });
      assert.equal(await opened.store.has(digest), false);
      await opened.store.put(digest, Readable.from([Buffer.from('promised')]), never);
      assert.equal(await opened.store.has(digest), true);
    });

    it('keeps one copy of what two senders put at the same time, and drains a third', async () => {
      await using opened = await openStore();
      const bytes = randomBytes(100_000);
      const digest = digestOf(bytes);
      await Promise.all([1, 2].map(() => opened.store.put(digest, Readable.from([bytes]), never)));
      const late = Readable.from([bytes]);
      const drained = once(late, 'end');
      await opened.store.put(digest, late, never);
      await drained;
      assert.deepEqual(await buffer(await opened.store.open(digest, 0)), bytes);
    });

    it('forgets an upload that breaks off or is given up', async () => {
      await using opened = await openStore();
      const digest = digestOf(Buffer.from('whole'));
      const broken = Readable.from(
        (async function* () {
          yield Buffer.from('who');
          throw new Error('connection lost');
        })(),
      );
      await assert.rejects(opened.store.put(digest, broken, never), /connection lost/);
      const stop = new AbortController();
      const stuck = new Readable({ read: () => undefined });
      stuck.push('who');
      const given = opened.store.put(digest, stuck, stop.signal);
      stop.abort();
      await assert.rejects(given, { name: 'AbortError' });
      assert.equal(await opened.store.has(digest), false);
    });

    it('says so when an image or an offset does not exist', async () => {
      await using opened = await openStore();
      const digest = digestOf(Buffer.from('x'));
      await assert.rejects(opened.store.open(digest, 0), { code: 'SLIP_IMAGE_NOT_FOUND' });
      await opened.store.put(digest, Readable.from([Buffer.from('x')]), never);
      for (const offset of [-1, 2, 0.5])
        await assert.rejects(opened.store.open(digest, offset), { code: 'SLIP_IMAGE_RANGE' });
    });
  });
}
