import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkSettings, type ProviderInput } from '../../../../../controller/certificates/dns/settings.ts';
import { tempDir } from '../../../../support/certificates.ts';
import { writeProgram } from '../../../../support/dns-program.ts';

const { signal } = new AbortController();
const NSUPDATE = { name: 'main', kind: 'nsupdate', keyName: 'slipway', secret: 'c2VjcmV0c2VjcmV0' } as const;
const ACCOUNT = { username: 'u-1', password: 'p', subdomain: 's-1', fulldomain: 's-1.auth.example.org' };

function check(input: ProviderInput, programsDir = '/nowhere'): ReturnType<typeof checkSettings> {
  return checkSettings(input, { programsDir, signal });
}

const refused = { code: 'SLIP_DNS_SETTING' };

test('a name server is a host or an address, with or without a port', async () => {
  const cases = [
    ['ns1.example.com', 'ns1.example.com', '53'],
    ['192.0.2.1:5353', '192.0.2.1', '5353'],
    ['2001:db8::1', '2001:db8::1', '53'],
    ['[2001:db8::1]:5353', '2001:db8::1', '5353'],
  ] as const;
  for (const [server, host, port] of cases) {
    const { settings } = await check({ ...NSUPDATE, server });
    assert.deepEqual(settings, { host, port, keyName: 'slipway', algorithm: 'hmac-sha256' });
  }
});

test('text that could become another command of nsupdate is refused', async () => {
  const server = '192.0.2.1';
  for (const bad of ['', 'a b', 'ns1\nserver other', 'ns1:99999', 'ns1:0', '[::1', 'a;b']) {
    await assert.rejects(check({ ...NSUPDATE, server: bad }), refused, bad);
  }
  await assert.rejects(check({ ...NSUPDATE, server, keyName: 'key name' }), refused);
  await assert.rejects(check({ ...NSUPDATE, server, keyName: 'key\nsend' }), refused);
  await assert.rejects(check({ ...NSUPDATE, server, secret: 'c2VjcmV0\nsend' }), refused);
  await assert.rejects(check({ ...NSUPDATE, server, algorithm: 'hmac-md5' }), refused);
});

test('a program must be an executable file of the folder', async (t) => {
  const dir = await tempDir(t);
  await writeProgram(dir, 'hook', 'process.exit(0)');
  await writeFile(join(dir, 'plain'), '', { mode: 0o644 });
  assert.deepEqual((await check({ name: 'p', kind: 'exec', program: 'hook' }, dir)).settings, { program: 'hook' });
  for (const program of ['plain', 'absent', '../hook', '/bin/sh', '.', '..', '', 'a/b']) {
    await assert.rejects(check({ name: 'p', kind: 'exec', program }, dir), refused, program);
  }
});

test('an account of acme-dns is stored with its password apart', async () => {
  const input = { name: 'a', kind: 'acme-dns', secret: JSON.stringify(ACCOUNT) } as const;
  const { password, ...settings } = ACCOUNT;
  assert.deepEqual(await check(input), {
    settings: { ...settings, server: 'https://auth.acme-dns.io' },
    secret: password,
  });
  await assert.rejects(check({ ...input, server: 'http://auth.example.org' }), refused, 'a password in plain HTTP');
  await assert.rejects(check({ ...input, server: 'https://user@auth.example.org' }), refused);
  await assert.rejects(check({ ...input, secret: 'no JSON' }), refused);
  await assert.rejects(check({ ...input, secret: JSON.stringify({ ...ACCOUNT, username: 'a\r\nx: y' }) }), refused);
});
