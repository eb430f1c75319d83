import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedReads } from '../../../../controller/api/shared-reads.ts';
import type { User } from '../../../../controller/domain/users.ts';

const ada = { id: 'ada' } as unknown as User;
const bob = { id: 'bob' } as unknown as User;

test('one read runs at a time, and calls that arrive during it share the next one', async () => {
  const begun: (() => void)[] = [];
  let reads = 0;
  const shared = new SharedReads(async () => {
    const number = (reads += 1);
    await new Promise<void>((resolve) => begun.push(resolve));
    return number;
  });
  const first = shared.read(ada);
  const later = Array.from({ length: 50 }, () => shared.read(ada));
  assert.equal(reads, 1);
  begun.shift()?.();
  assert.equal(await first, 1);
  await Promise.resolve();
  assert.equal(reads, 2);
  begun.shift()?.();
  assert.deepEqual(new Set(await Promise.all(later)), new Set([2]));
  assert.equal(reads, 2);
});

test('users do not share a read, and a failed read is not kept', async () => {
  let reads = 0;
  const shared = new SharedReads((user: User) => {
    reads += 1;
    return user.id === ada.id ? Promise.reject(new Error('no')) : Promise.resolve(reads);
  });
  await assert.rejects(shared.read(ada), /no/);
  await assert.rejects(shared.read(ada), /no/);
  await shared.read(bob);
  assert.equal(reads, 3);
});
