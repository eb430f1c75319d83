import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedLooks } from '../../../../controller/api/shared-looks.ts';
import type { User } from '../../../../controller/domain/users.ts';

const ada = { id: 'ada' } as unknown as User;
const bob = { id: 'bob' } as unknown as User;

test('however many ask, one look runs at a time; those who come during it share the next', async () => {
  const begun: (() => void)[] = [];
  let looks = 0;
  const shared = new SharedLooks(async () => {
    const number = (looks += 1);
    await new Promise<void>((resolve) => begun.push(resolve));
    return number;
  });
  const first = shared.read(ada);
  const later = Array.from({ length: 50 }, () => shared.read(ada));
  assert.equal(looks, 1);
  begun.shift()?.();
  assert.equal(await first, 1);
  await Promise.resolve();
  assert.equal(looks, 2);
  begun.shift()?.();
  assert.deepEqual(new Set(await Promise.all(later)), new Set([2]));
  assert.equal(looks, 2);
});

test('users do not share a look, and a look that failed is not kept', async () => {
  let looks = 0;
  const shared = new SharedLooks((user: User) => {
    looks += 1;
    return user.id === ada.id ? Promise.reject(new Error('no')) : Promise.resolve(looks);
  });
  await assert.rejects(shared.read(ada), /no/);
  await assert.rejects(shared.read(ada), /no/);
  await shared.read(bob);
  assert.equal(looks, 3);
});
