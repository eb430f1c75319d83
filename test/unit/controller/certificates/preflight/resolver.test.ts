import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createResolver, DnsFailure } from '../../../../../controller/certificates/preflight/resolver.ts';

test('a search for CAA records ends with its signal, before another question', async () => {
  const search = createResolver(['127.0.0.1:1'], new AbortController().signal).caa(
    'shop.example.com',
    AbortSignal.abort(),
  );
  await assert.rejects(search, (error) => error instanceof DnsFailure && error.reason === 'timeout');
});
