import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { copyAptSettings } from '../../../../agent/sandbox/files/apt.ts';
import { writeTree } from '../../../support/build-bench.ts';

describe('the settings of apt in a sandbox', () => {
  it('are the lists and keys of the machine, without passwords', async () => {
    const root = await mkdtemp(join(tmpdir(), 'slipway-apt-'));
    const [source, target] = [join(root, 'from'), join(root, 'to')];
    try {
      await writeTree(source, {
        'sources.list.d/main.sources': 'URIs: https://user:secret@mirror.example/debian\n',
        'sources.list.d/old.list': 'deb http://mirror.example/debian stable main\n',
        'trusted.gpg.d/key.gpg': Buffer.from([0, 255, 64]),
        'auth.conf': 'machine mirror.example password secret\n',
        'auth.conf.d/x.conf': 'secret\n',
        'apt.conf.d/proxy': 'Acquire::http::Proxy "http://user:secret@proxy.example";\n',
        'keyrings/private.gpg': 'secret',
      });
      await chmod(join(source, 'keyrings/private.gpg'), 0o600);
      await copyAptSettings(source, target);
      const files = (await readdir(target, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
      assert.deepEqual(files.map(({ name }) => name).sort(), ['key.gpg', 'main.sources', 'old.list', 'sources.list']);
      assert.equal(
        await readFile(join(target, 'sources.list.d/main.sources'), 'utf8'),
        'URIs: https://mirror.example/debian\n',
      );
      assert.deepEqual([...(await readFile(join(target, 'trusted.gpg.d/key.gpg')))], [0, 255, 64]);
      await rm(join(source, 'sources.list.d/old.list'));
      await writeFile(join(source, 'sources.list'), 'deb http://mirror.example/debian new main\n');
      await copyAptSettings(source, target);
      assert.deepEqual(await readdir(join(target, 'sources.list.d')), ['main.sources']);
      assert.match(await readFile(join(target, 'sources.list'), 'utf8'), /new main/);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });
});
