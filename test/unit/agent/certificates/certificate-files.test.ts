import assert from 'node:assert/strict';
import { chmod, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CertificateFiles } from '../../../../agent/certificates/certificate-files.ts';
import { tempDir } from '../../../support/certificates.ts';
import { aServedCertificate } from '../../../support/web-certificates.ts';

describe('the files of certificates', () => {
  it('are written whole with mode 0600, and are read only when they are right', async (t) => {
    const files = new CertificateFiles(join(await tempDir(t), 'certificates'));
    const { certificate, pem } = await aServedCertificate('shop');
    const path = files.pathOf(certificate);
    assert.equal(await files.trouble(certificate), 'missing');
    await files.write(certificate, pem);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal((await stat(join(path, '..'))).mode & 0o777, 0o700);
    assert.deepEqual([await readFile(path, 'utf8'), await files.trouble(certificate)], [pem, undefined]);
    await chmod(path, 0o644);
    assert.match((await files.trouble(certificate)) ?? '', /mode is 644/);
    await chmod(path, 0o600);
    await truncate(path, 400);
    assert.match((await files.trouble(certificate)) ?? '', /contains no certificate/);
    await rm(path);
    await writeFile(`${path}.moved`, pem, { mode: 0o600 });
    await symlink(`${path}.moved`, path);
    assert.match((await files.trouble(certificate)) ?? '', /not a file/);
  });

  it('are not written when the text is another certificate, and others are removed', async (t) => {
    const dir = await tempDir(t);
    const files = new CertificateFiles(dir);
    const [shop, blog] = [await aServedCertificate('shop'), await aServedCertificate('blog')];
    await assert.rejects(files.write(shop.certificate, blog.pem), /another certificate/);
    assert.deepEqual(await readdir(dir), []);
    await files.write(shop.certificate, shop.pem);
    await files.write(blog.certificate, blog.pem);
    await writeFile(join(dir, 'half.tmp'), 'x');
    await files.removeOthers([blog.certificate]);
    assert.deepEqual(await readdir(dir), [`${blog.certificate.id}.${blog.certificate.fingerprint}.pem`]);
    await new CertificateFiles(join(dir, 'absent')).removeOthers([]);
  });
});
