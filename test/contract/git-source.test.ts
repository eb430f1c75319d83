import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { extract } from 'tar-stream';
import { GIT_ENV } from '../../controller/push/git/git.argv.ts';
import { ensureRepository, readRef } from '../../controller/push/git/repository.ts';
import { findTree } from '../../controller/push/git/source.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import { run } from '../../shared/kit/exec.ts';

type Files = ReadonlyMap<string, Buffer>;

const APP = 'app00000001' as AppId;
const PATHS = ['run', 'a.txt', 'b.txt', 'bin/web', 'bin/b.txt', '.hidden', 'deep/er/file.bin', 'sp ace'];
const CONTENT = fc.oneof(
  fc.constantFrom(
    '#!/bin/sh\nexit 0\n',
    '#!/bin/sh\r\nexit 0\r\n',
    '$Id$\n',
    '$Id: 0123 $\n',
    '$Format:%H$\n',
    'mixed\r\nends\n',
    '\ufeffgrüße\n',
  ),
  fc.string({ maxLength: 40 }),
);
const ATTRIBUTE = fc.constantFrom(
  ...[
    'text',
    'text=auto',
    '-text',
    'binary',
    'crlf',
    'crlf=input',
    'eol=crlf',
    'eol=lf',
    'ident',
    'working-tree-encoding=UTF-16',
  ],
  ...[
    'working-tree-encoding=SHIFT-JIS',
    'filter=lfs',
    'filter=x',
    'export-ignore',
    'export-subst',
    'mine',
    '!text',
    '!eol',
    'text eol=crlf',
  ],
);
const PATTERN = fc.constantFrom('*', '*.txt', 'bin/*', '/run', 'deep/**', '**/b.txt', '.hidden', '"sp ace"');
const LINE = fc
  .tuple(PATTERN, fc.array(ATTRIBUTE, { minLength: 1, maxLength: 4 }))
  .map(([pattern, names]) => `${pattern} ${names.join(' ')}\n`);
const ATTRIBUTES = fc
  .tuple(fc.boolean(), fc.array(LINE, { minLength: 1, maxLength: 5 }))
  .map(([macro, lines]) => `${macro ? '[attr]mine text eol=crlf ident export-ignore\n' : ''}${lines.join('')}`);

/** A commit's files, some of them attributes, as somebody could push them. */
const COMMIT: fc.Arbitrary<Files> = fc
  .tuple(
    ATTRIBUTES,
    fc.option(fc.array(LINE, { minLength: 1, maxLength: 3 })),
    fc.array(CONTENT, { minLength: PATHS.length, maxLength: PATHS.length }),
  )
  .map(([root, below, contents]) => {
    const files = new Map(PATHS.map((path, at) => [path, Buffer.from(contents[at] ?? '')]));
    files.set('.gitattributes', Buffer.from(root));
    if (below !== null) files.set('bin/.gitattributes', Buffer.from(below.join('')));
    return files;
  });

describe('the source that a builder gets', () => {
  let dir: string;
  let repositoryDir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'slipway-source-'));
    repositoryDir = await ensureRepository(join(dir, 'repos'), APP);
  });
  after(() => rm(dir, { recursive: true, force: true }));

  /** Blobs as they are: `git add` would obey the attributes. */
  async function commit(
    files: Files,
    links: readonly (readonly [path: string, target: string])[] = [],
  ): Promise<string> {
    const data = (content: Buffer): Buffer =>
      Buffer.concat([Buffer.from(`data ${String(content.length)}\n`), content, Buffer.from('\n')]);
    const changes = [...files].map(([path, content]) =>
      Buffer.concat([Buffer.from(`M 100755 inline "${path}"\n`), data(content)]),
    );
    for (const [path, target] of links)
      changes.push(Buffer.concat([Buffer.from(`M 120000 inline "${path}"\n`), data(Buffer.from(target))]));
    const head = Buffer.concat([
      Buffer.from('commit refs/heads/x\ncommitter A <a@b.c> 1 +0000\n'),
      data(Buffer.from('x')),
    ]);
    const stdin = Buffer.concat([head, Buffer.from('deleteall\n'), ...changes]);
    const made = await run({
      file: 'git',
      args: [`--git-dir=${repositoryDir}`, 'fast-import', '--quiet', '--force'],
      env: GIT_ENV,
      stdin,
    });
    assert.equal(made.code, 0, made.stderr);
    return (await readRef(repositoryDir, 'refs/heads/x')) ?? assert.fail('no commit');
  }

  async function deployed(id: string, root?: string): Promise<Map<string, Buffer>> {
    const files = new Map<string, Buffer>();
    const tar = extract();
    const open = await findTree(repositoryDir, id, root);
    tar.end(gunzipSync(await buffer(await open())));
    for await (const entry of tar) {
      const content = await buffer(entry);
      if (entry.header.type === 'file') files.set(entry.header.name, content);
    }
    return files;
  }

  it('is the committed tree, byte for byte, regardless of its attributes', async () => {
    await fc.assert(
      fc.asyncProperty(COMMIT, async (files) => {
        const got = await deployed(await commit(files));
        assert.deepEqual([...got.keys()].sort(), [...files.keys()].sort());
        for (const [path, content] of files) assert.deepEqual(got.get(path), content, path);
      }),
      { seed: 20, numRuns: 15 },
    );
  });

  it('is one folder of it alone when the app has a root, with that folder as the top', async () => {
    const files = new Map([
      ['run', Buffer.from('outside')],
      ['deep/er/Procfile', Buffer.from('web: x\r\n')],
      ['deep/er/sp ace/f', Buffer.from('f')],
      ['deep/erase', Buffer.from('outside')],
      ['.gitattributes', Buffer.from('* text eol=lf export-ignore\n')],
    ]);
    const id = await commit(files);
    assert.deepEqual(
      await deployed(id, 'deep/er'),
      new Map([
        ['Procfile', Buffer.from('web: x\r\n')],
        ['sp ace/f', Buffer.from('f')],
      ]),
    );
    assert.deepEqual([...(await deployed(id, 'deep/er/sp ace')).keys()], ['f']);
    for (const root of ['run', 'deep/e', 'deep/er/../..', 'none']) {
      await assert.rejects(findTree(repositoryDir, id, root), { code: 'SLIP_BUILD_ROOT_ABSENT' }, root);
    }
  });

  it('follows no symlink to the root', async () => {
    const id = await commit(new Map([['deep/er/file', Buffer.from('f')]]), [['link', 'deep']]);
    for (const root of ['link', 'link/er'])
      await assert.rejects(findTree(repositoryDir, id, root), { code: 'SLIP_BUILD_ROOT_ABSENT' }, root);
  });

  it('is so in a repository of an older version, too', async () => {
    const attributes = join(repositoryDir, 'info', 'attributes');
    await mkdir(dirname(attributes), { recursive: true });
    await writeFile(attributes, '* -export-ignore -export-subst\n');
    await ensureRepository(join(dir, 'repos'), APP);
    assert.match(await readFile(attributes, 'utf8'), /-text/);
    const files = new Map([
      ['bin/web', Buffer.from('#!/bin/sh\n')],
      ['.gitattributes', Buffer.from('* text=auto eol=crlf\n')],
    ]);
    assert.deepEqual((await deployed(await commit(files))).get('bin/web'), files.get('bin/web'));
  });
});
