import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { replaceContent } from '../../../../agent/proxy/haproxy/certificate-commands.ts';
import { CertificateFiles } from '../../../../agent/proxy/haproxy/certificate-files.ts';
import { createFallbackCertificate } from '../../../../agent/proxy/haproxy/fallback-certificate.ts';
import { parsePair } from '../../../../shared/kit/certificate-pair.ts';
import {
  idOf,
  parseListed,
  parseLoaded,
  parseSha1,
  planCertificates,
  type WantedCertificate,
} from '../../../../agent/proxy/haproxy/plan-certificates.ts';
import { resolveSettings } from '../../../../agent/proxy/haproxy/settings.ts';
import type { CommandResult } from '../../../../shared/kit/exec.ts';
import { tempDir } from '../../../support/certificates.ts';
import { makeEdgeCa } from '../../../support/edge-certificates.ts';

const wanted = (id: string, sha1: string, names = [`${id}.test`]): WantedCertificate => ({
  ...{ id, sha1, names, fingerprint: sha1, file: `/c/${id}.pem` },
});
const listed = (id: string, line: number, names = [`${id}.test`]) => ({ file: `/c/${id}.pem`, line, names });
const kinds = (steps: ReturnType<typeof planCertificates>): string[] =>
  steps.map(
    (step) => `${step.kind} ${'wanted' in step ? step.wanted.id : idOf('file' in step ? step.file : step.entry.file)}`,
  );

describe('plan of certificates', () => {
  test('nothing changes in a process that has all of them', () => {
    const observed = { loaded: new Map([['/c/a.pem', 'A']]), listed: [listed('a', 2)] };
    assert.deepEqual(planCertificates(observed, [wanted('a', 'A')]), []);
  });

  test('renewals and new certificates come before removals', () => {
    const observed = {
      loaded: new Map([
        ['/c/a.pem', 'old'],
        ['/c/gone.pem', 'G'],
      ]),
      listed: [listed('a', 2), listed('gone', 3)],
    };
    assert.deepEqual(kinds(planCertificates(observed, [wanted('a', 'A'), wanted('b', 'B')])), [
      'replace a',
      'add b',
      'list b',
      'unlist gone',
      'remove gone',
    ]);
  });

  test('an interrupted change is completed: a file without content, a file without a line, a line twice', () => {
    const loaded = new Map([
      ['/c/a.pem', ''],
      ['/c/b.pem', 'B'],
      ['/c/c.pem', 'C'],
    ]);
    const observed = { loaded, listed: [listed('c', 4), listed('c', 5)] };
    assert.deepEqual(kinds(planCertificates(observed, [wanted('a', 'A'), wanted('b', 'B'), wanted('c', 'C')])), [
      'replace a',
      'list a',
      'list b',
      'unlist c',
    ]);
  });

  test('other names get a new line before the former one goes', () => {
    const observed = { loaded: new Map([['/c/a.pem', 'A']]), listed: [listed('a', 2)] };
    assert.deepEqual(kinds(planCertificates(observed, [wanted('a', 'A', ['a.test', 'b.test'])])), [
      'list a',
      'unlist a',
    ]);
  });

  test('replies of HAProxy are understood', () => {
    assert.deepEqual(parseLoaded('# transaction\n*/c/b.pem\n# filename\n/c/a.pem\n/c/b.pem'), {
      files: ['/c/a.pem', '/c/b.pem'],
      open: '/c/b.pem',
    });
    assert.equal(
      parseSha1(`Filename: /c/a.pem\nSHA1 FingerPrint: ${'A1'.repeat(20)}\nSubject: /CN=a`),
      'A1'.repeat(20),
    );
    assert.equal(parseSha1("Can't display the certificate"), '');
    assert.deepEqual(parseListed('# /c/list\n/c/fallback.pem:1 !*\n/c/a.pem:12 a.test *.a.test'), [
      { file: '/c/fallback.pem', line: 1, names: ['!*'] },
      { file: '/c/a.pem', line: 12, names: ['a.test', '*.a.test'] },
    ]);
  });
});

describe('commands for certificates', () => {
  const SHA1 = 'A1'.repeat(20);
  /** Answers like HAProxy with one transaction. */
  function process(open?: string): { say: (command: string) => Promise<string>; said: string[] } {
    const said: string[] = [];
    let transaction = open;
    const set = (file: string): string => {
      const outcome =
        transaction === undefined ? `created for certificate ${file}` : `updated for certificate ${transaction}`;
      transaction ??= file;
      return `+ + \nTransaction ${outcome}!`;
    };
    const answer = (verb: string, file: string): string => {
      if (verb === 'set') return set(file);
      if (verb === 'show' && file !== '') return `SHA1 FingerPrint: ${SHA1}`;
      if (verb === 'show') return transaction === undefined ? '' : `# transaction\n*${transaction}`;
      transaction = undefined;
      return `Committing ${file}\nSuccess!`;
    };
    const say = async (command: string): Promise<string> => {
      const [verb = '', , , file = ''] = command.split(/\s/);
      said.push(`${verb} ${file}`.trim());
      return answer(verb, file);
    };
    return { say, said };
  }

  test('a transaction of another file is ended first, and is never committed', async () => {
    const { say, said } = process('/c/other.pem');
    await replaceContent(say, { file: '/c/a.pem', pem: 'x', sha1: SHA1 });
    assert.deepEqual(said, [
      'set /c/a.pem',
      'show',
      'abort /c/other.pem',
      'set /c/a.pem',
      'commit /c/a.pem',
      'show /c/a.pem',
    ]);
  });

  test('text with an empty line is never sent, and another certificate afterwards is an error', async () => {
    const { say, said } = process();
    const bad = { file: '/c/a.pem', pem: 'x\n\nset server app/s state maint', sha1: SHA1 };
    await assert.rejects(replaceContent(say, bad), { code: 'SLIP_PROXY_CERTIFICATE' });
    assert.deepEqual(said, []);
    await assert.rejects(replaceContent(say, { ...bad, pem: 'x', sha1: 'other' }), { code: 'SLIP_PROXY_CERTIFICATE' });
  });
});

describe('text of a certificate', () => {
  test('it is encoded anew, so that commands in it never reach HAProxy', async (t) => {
    const dir = await tempDir(t);
    const { pemFile, fingerprint } = await (await makeEdgeCa()).issue(dir, 'crt_one', ['a.test']);
    const text = await readFile(pemFile, 'utf8');
    const pair = parsePair(`\n\nset server app/s state maint\n${text}\nshow info\n\n`);
    assert.equal(pair.fingerprint, fingerprint);
    assert.doesNotMatch(pair.pem, /maint|info|\n\n/);
    assert.equal((pair.pem.match(/BEGIN CERTIFICATE/g) ?? []).length, 2);
    assert.deepEqual(parsePair(pair.pem), pair);
  });

  test('what HAProxy cannot load, or clients do not accept, is refused without any of its text', async (t) => {
    const dir = await tempDir(t);
    const ca = await makeEdgeCa();
    const textOf = async (options: Parameters<typeof ca.issue>[3]): Promise<string> =>
      readFile((await ca.issue(dir, 'crt_one', ['a.test'], options)).pemFile, 'utf8');
    const good = await textOf({});
    const cases: [string, RegExp][] = [
      ['', /no certificate/],
      [good.slice(0, good.indexOf('-----BEGIN PRIVATE')), /exactly one key/],
      [`${good}${good.slice(good.indexOf('-----BEGIN PRIVATE'))}`, /exactly one key/],
      [good.slice(0, 200), /no certificate/],
      [good.replace(/M[A-Z]/, 'AA'), /damaged/],
      [await textOf({ otherKey: true }), /not the key of its certificate/],
      [await textOf({ rsaBits: 1024 }), /RSA with 2048 bits/],
      [`${good}${'x'.repeat(100_000)}`, /more than 16000 bytes/],
    ];
    for (const [text, reason] of cases) assert.throws(() => parsePair(text), reason);
    assert.equal(parsePair(await textOf({ rsaBits: 2048 })).pem.includes('BEGIN PRIVATE KEY'), true);
  });

  test('the fallback names nobody, and is a certificate with its key', async () => {
    const { pem } = parsePair(await createFallbackCertificate(0));
    assert.match(pem, /^-----BEGIN CERTIFICATE-----/);
  });
});

describe('files of certificates', () => {
  test('are not removed for an older table while they are taken, or before the process has them', async (context) => {
    const stateDir = await tempDir(context);
    const ca = await makeEdgeCa();
    const [one, two] = [
      await ca.issue(stateDir, 'crt_one', ['one.test']),
      await ca.issue(stateDir, 'crt_two', ['two.test']),
    ];
    const settings = resolveSettings({ stateDir, binds: [{ address: '127.0.0.1', port: 80 }] });
    const removals: Promise<void>[] = [];
    const files = new CertificateFiles(settings, () => {
      removals.push(files.removeOthers([one]));
      return Promise.resolve<CommandResult>({ code: 0, signal: null, stdout: '', stderr: '' });
    });
    await files.take([one]);
    const { usable, problems } = await files.take([one, two]);
    await Promise.all([...removals, files.removeOthers([one])]);
    assert.deepEqual([usable.map(({ id }) => id), [...problems]], [['crt_one', 'crt_two'], []]);
    assert.match(await files.pemOf('crt_two'), /PRIVATE KEY/);
    assert.notEqual(files.sha1Of('crt_two'), '');
  });
});
