import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CertificateSync } from '../../../../agent/proxy/haproxy/certificate-sync.ts';
import { certificateFile } from '../../../../agent/proxy/haproxy/render-https.ts';
import { proxyPaths } from '../../../../agent/proxy/haproxy/settings.ts';
import { emptyTable } from '../../../../agent/proxy/haproxy/slot-table.ts';
import { noFailpoint } from '../../../../shared/kit/failpoint.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';

const SHA1 = 'A'.repeat(40);

test('a change that HAProxy refused is tried again after a minute, and not before', async () => {
  const paths = proxyPaths('/state');
  const file = certificateFile('shop', paths);
  let nowMs = 0;
  let listed = '';
  let isBroken = true;
  const say = (command: string): Promise<string> => {
    if (command === 'show ssl cert') return Promise.resolve(file);
    if (command.startsWith('show ssl cert ')) return Promise.resolve(`SHA1 FingerPrint: ${SHA1}`);
    if (command.startsWith('show ssl crt-list ')) return Promise.resolve(listed);
    if (isBroken) return Promise.resolve('no memory');
    listed = `${file}:2 shop.test`;
    return Promise.resolve('Success!');
  };
  const sync = new CertificateSync({
    ...{ paths, logger: silentLogger, failpoint: noFailpoint },
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs, sleep: () => Promise.resolve() },
    runtime: {
      info: () => Promise.resolve({ workerPid: 7, layoutHash: 'x' }),
      talk: (conversation) => conversation(say),
    },
    files: { pemOf: () => Promise.resolve(''), sha1Of: () => SHA1, removeOthers: () => Promise.resolve() },
  });
  const table = { ...emptyTable(1), tls: true, certificates: [{ id: 'shop', fingerprint: 'f', names: ['shop.test'] }] };
  const failedAfter = async (ms: number): Promise<readonly string[]> => {
    nowMs = ms;
    sync.follow(table);
    return [...(await sync.settled())];
  };
  assert.deepEqual(await failedAfter(0), ['shop']);
  isBroken = false;
  assert.deepEqual(await failedAfter(59_999), ['shop']);
  assert.deepEqual(await failedAfter(60_000), []);
  assert.match(listed, /shop\.test/);
});
