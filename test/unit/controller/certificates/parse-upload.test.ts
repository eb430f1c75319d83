import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { parseUpload, UPLOAD_BYTES_MAX, type ParsedUpload } from '../../../../controller/certificates/parse-upload.ts';
import { readPemBlocks } from '../../../../shared/kit/pem.ts';
import { keyAs, makeWebCertificate, type WebCertificate } from '../../../support/web-certificates.ts';

const NOW_MS = Date.now();
const DAY_MS = 24 * 60 * 60_000;
let root: WebCertificate;
let intermediate: WebCertificate;
let leaf: WebCertificate;
before(async () => {
  root = await makeWebCertificate({ subject: 'CN=Root', isCa: true, days: 9_000 });
  intermediate = await makeWebCertificate({ subject: 'O=Trust Inc., CN=R1', isCa: true, issuer: root, days: 900 });
  leaf = await makeWebCertificate({ names: ['www.Shop.example', 'shop.example'], issuer: intermediate });
});

function parse(certificate: string | Buffer, key: string | Buffer): ParsedUpload {
  return parseUpload({ certificate: Buffer.from(certificate), key: Buffer.from(key) }, NOW_MS);
}

function subjects({ chainPem }: ParsedUpload): readonly string[] {
  return readPemBlocks(chainPem).map(({ der }) => new X509Certificate(der).subject);
}

describe('an uploaded certificate', () => {
  it('is read in any order and form, and encoded anew: certificate first, without the root', () => {
    const files = [root.pem, intermediate.pem, leaf.pem];
    const forms = [
      parse(files.join(''), leaf.keyPem),
      parse(files.toReversed().join('\r\n'), keyAs(leaf.keyDer, 'sec1')),
      parse(`${files.join('')}${leaf.keyPem}`, leaf.keyDer),
    ];
    for (const parsed of forms) {
      assert.deepEqual(subjects(parsed), ['CN=test', 'O=Trust Inc.\nCN=R1']);
      assert.deepEqual(parsed.names, ['shop.example', 'www.shop.example']);
      assert.equal(parsed.issuer, 'Trust Inc.');
      assert.deepEqual(parsed.warnings, []);
      assert.equal(parsed.notAfterMs, leaf.certificate.notAfter.getTime());
      assert.equal(parsed.fingerprint, new X509Certificate(leaf.der).fingerprint256.replaceAll(':', '').toLowerCase());
      const key = createPrivateKey(parsed.keyPem.reveal());
      assert.ok(new X509Certificate(parsed.chainPem).checkPrivateKey(key));
      assert.deepEqual(forms[0]?.chainPem, parsed.chainPem);
    }
    assert.deepEqual(parse(leaf.der, leaf.keyDer).chainPem, leaf.pem);
  });

  it('takes RSA and P-384 keys, and says what is not perfect', async () => {
    const strong = await makeWebCertificate({ names: ['a.example'], key: 'rsa2048', issuer: intermediate });
    assert.equal(parse(strong.pem + intermediate.pem, keyAs(strong.keyDer, 'pkcs1')).warnings.length, 0);
    const alone = await makeWebCertificate({ names: ['a.example'], key: 'p384', issuer: intermediate, days: 15 });
    const said = parse(alone.pem, alone.keyPem).warnings.join(' ');
    assert.match(said, /has no chain.*ends in 1[34] days/);
    const own = await makeWebCertificate({ names: ['a.example'] });
    assert.match(parse(own.pem, own.keyPem).warnings.join(' '), /^The certificate is signed by its own key/);
  });

  it('never passes text on: commands behind an empty line are gone', () => {
    const command = '\n\nset server app/web state maint\n';
    const hidden = leaf.pem.replace('-----END', `${command}-----END`);
    for (const text of [
      hidden,
      `${leaf.pem}${command}`,
      `${command}${leaf.pem}`,
      `${leaf.pem}# ${command}${intermediate.pem}`,
    ]) {
      const { chainPem, keyPem } = parse(text, `${command}${leaf.keyPem}${command}`);
      assert.doesNotMatch(chainPem + keyPem.reveal(), /\n\n|set server|[^\n]$/);
    }
  });
});

describe('an upload that is refused', () => {
  /** Each with its own code. No message has a part of a key. */
  async function cases(): Promise<readonly (readonly [string, string, string | Buffer, string | Buffer])[]> {
    const other = await makeWebCertificate({ names: ['a.example'] });
    const made = async (wanted: Parameters<typeof makeWebCertificate>[0]): Promise<readonly [string, string]> => {
      const one = await makeWebCertificate({ names: ['a.example'], ...wanted });
      return [one.pem, one.keyPem];
    };
    const garbage = Buffer.from('garbage'.repeat(50));
    const past = NOW_MS - 100 * DAY_MS;
    return [
      ['a key of another certificate', 'SLIP_CERT_KEY_MISMATCH', leaf.pem, other.keyPem],
      ['an encrypted key', 'SLIP_CERT_KEY_ENCRYPTED', leaf.pem, keyAs(leaf.keyDer, 'encrypted')],
      ['an encrypted key of old OpenSSL', 'SLIP_CERT_KEY_ENCRYPTED', leaf.pem, OLD_ENCRYPTED],
      ['a key as certificate', 'SLIP_CERT_IS_KEY', leaf.keyPem, leaf.keyPem],
      ['a DER key as certificate', 'SLIP_CERT_IS_KEY', leaf.keyDer, leaf.keyPem],
      ['a certificate as key', 'SLIP_CERT_KEY_IS_CERTIFICATE', leaf.pem, leaf.pem],
      ['a DER certificate as key', 'SLIP_CERT_KEY_IS_CERTIFICATE', leaf.pem, leaf.der],
      ['RSA of 1024 bits', 'SLIP_CERT_KEY_SIZE', ...(await made({ key: 'rsa1024' }))],
      ['Ed25519', 'SLIP_CERT_KEY_KIND', ...(await made({ key: 'ed25519' }))],
      ['P-521', 'SLIP_CERT_KEY_KIND', ...(await made({ key: 'p521' }))],
      ['one that has ended', 'SLIP_CERT_EXPIRED', ...(await made({ fromMs: past }))],
      ['one of the future', 'SLIP_CERT_NOT_YET', ...(await made({ fromMs: NOW_MS + DAY_MS }))],
      ['one without names', 'SLIP_CERT_NO_NAMES', ...(await made({ names: [], subject: 'CN=a.example' }))],
      ['garbage as certificate', 'SLIP_CERT_UNREADABLE', garbage, leaf.keyPem],
      ['an empty file', 'SLIP_CERT_UNREADABLE', '', leaf.keyPem],
      ['garbage as key', 'SLIP_CERT_KEY_UNREADABLE', leaf.pem, garbage],
      ['1 MB', 'SLIP_CERT_SIZE', Buffer.alloc(1024 * 1024, 'a'), leaf.keyPem],
      ['a key of 1 MB', 'SLIP_CERT_SIZE', leaf.pem, Buffer.alloc(UPLOAD_BYTES_MAX + 1, 'a')],
      ['more than 12 kB', 'SLIP_CERT_CHAIN_LONG', ...(await made({ paddingBytes: 10_000 }))],
    ];
  }

  it('has its own code and hint, and no part of a file in its message', async () => {
    for (const [what, code, certificate, key] of await cases()) {
      const thrown = refusal(() => parse(certificate, key));
      assert.equal(thrown.code, code, what);
      assert.ok((thrown.hint ?? '') !== '', what);
      const said = JSON.stringify([thrown.message, thrown.hint, thrown.cause]);
      for (const secret of [leaf.keyPem, leaf.keyDer.toString('base64')])
        for (const line of secret.split('\n').filter((text) => !text.startsWith('-----') && text !== ''))
          assert.ok(!said.includes(line), what);
    }
  });
});

function refusal(work: () => unknown): { code?: string; hint?: string; message: string; cause?: unknown } {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  return { message: 'accepted' };
}

const OLD_ENCRYPTED = `-----BEGIN EC PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-256-CBC,0123456789ABCDEF0123456789ABCDEF

MHcCAQEEIBkg
-----END EC PRIVATE KEY-----
`;
