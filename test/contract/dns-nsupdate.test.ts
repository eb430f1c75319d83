import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createChallengeLookup, type ChallengeLookup } from '../../controller/certificates/dns/lookup.ts';
import { createNsupdate } from '../../controller/certificates/dns/nsupdate.ts';
import type { DnsProvider } from '../../controller/domain/dns-providers.ts';
import { run, start } from '../../shared/kit/exec.ts';
import { Sensitive } from '../../shared/kit/sensitive.ts';
import { tempDir } from '../support/certificates.ts';
import { aProvider, TSIG_SECRET } from '../support/dns-program.ts';
import { eventually } from '../support/eventually.ts';
import { freePorts } from '../support/free-ports.ts';

const RECORD = '_acme-challenge.example.com';
const ZONE = `$TTL 60
@ IN SOA ns1 hostmaster 1 60 60 3600 60
@ IN NS ns1
@ IN NS ns2
ns1 IN A 127.0.0.1
ns2 IN A 127.0.0.9
_acme-challenge.shop IN CNAME shop.dyn
`;

/** A BIND with one zone, which one TSIG key may change. ns2 never answers. */
async function startBind(t: TestContext): Promise<{ readonly port: number }> {
  const dir = await tempDir(t);
  const [port = 0] = await freePorts(1);
  await mkdir(join(dir, 'cache'));
  await writeFile(join(dir, 'zone'), ZONE);
  await writeFile(
    join(dir, 'named.conf'),
    `options { directory "${join(dir, 'cache')}"; pid-file none; listen-on port ${String(port)} { 127.0.0.1; }; listen-on-v6 { none; };
       recursion no; dnssec-validation no; session-keyfile none; };
     controls { };
     key "slipway." { algorithm hmac-sha256; secret "${TSIG_SECRET.reveal()}"; };
     zone "example.com" { type primary; file "${join(dir, 'zone')}"; update-policy { grant slipway. subdomain example.com. TXT; }; };`,
  );
  await chmod(dir, 0o755);
  const named = start({ file: 'named', args: ['-f', '-c', join(dir, 'named.conf')] }, 'ignore');
  t.after(async () => {
    const ended = once(named, 'exit');
    named.kill('SIGKILL');
    await ended;
  });
  const lookup = lookupAt(port);
  await eventually('named answers', () =>
    lookup.follow('_acme-challenge.shop.example.com').then(
      (name) => name === 'shop.dyn.example.com',
      () => false,
    ),
  );
  return { port };
}

function lookupAt(port: number): ChallengeLookup {
  const { signal } = new AbortController();
  return createChallengeLookup({ servers: [`127.0.0.1:${String(port)}`], port, signal });
}

function withKey(port: number, fields: Partial<DnsProvider> = {}): DnsProvider {
  const settings = { host: '127.0.0.1', port: String(port), keyName: 'slipway', algorithm: 'hmac-sha256' };
  return aProvider({ kind: 'nsupdate', settings, secret: TSIG_SECRET, ...fields });
}

test('nsupdate adds and removes one value, beside others of the same name, and every name server that answers is asked', async (t) => {
  const { port } = await startBind(t);
  const { signal } = new AbortController();
  const driver = createNsupdate(withKey(port), { run, signal });
  const lookup = lookupAt(port);
  assert.deepEqual(await lookup.serversWithout(RECORD, 'one'), ['127.0.0.1']);
  for (const value of ['one', 'two', 'two']) await driver.present(RECORD, value);
  for (const value of ['one', 'two']) assert.deepEqual(await lookup.serversWithout(RECORD, value), []);
  await driver.cleanup(RECORD, 'one');
  await driver.cleanup(RECORD, 'one');
  assert.deepEqual(await lookup.serversWithout(RECORD, 'one'), ['127.0.0.1']);
  assert.deepEqual(await lookup.serversWithout(RECORD, 'two'), []);
  await assert.rejects(driver.present('example.net', 'one'), {
    code: 'SLIP_DNS_PROVIDER',
    message: /refused the update \(NOTZONE\)/,
  });
});

test('a wrong TSIG key is a refusal that says so, without the secret', async (t) => {
  const { port } = await startBind(t);
  const { signal } = new AbortController();
  const secret = new Sensitive('b3RoZXIgc2VjcmV0');
  const driver = createNsupdate(withKey(port, { secret }), { run, signal });
  await assert.rejects(driver.present(RECORD, 'one'), (error: Error) => {
    assert.match(error.message, /refused the update|no answer/);
    assert.ok(!error.message.includes(secret.reveal()));
    return true;
  });
});
