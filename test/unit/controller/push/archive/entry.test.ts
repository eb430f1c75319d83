import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Header } from 'tar-stream';
import { archiveEntry, topOf } from '../../../../../controller/push/archive/entry.ts';

type Facts = Parameters<typeof archiveEntry>[0];

const header = (name: string, change: Partial<Header> = {}): Facts => ({ name, type: 'file', size: 3, ...change });
const refused = (name: string, change: Partial<Header> = {}): unknown => {
  try {
    return archiveEntry(header(name, change));
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
};

describe('an entry of an archive', () => {
  it('is stored as git stores it: without ./, owner and special permissions', () => {
    const file = { kind: 'file', path: 'bin/run', isExecutable: true, bytes: 3 };
    assert.deepEqual(archiveEntry(header('./bin//run', { mode: 0o6755, uid: 0 })), file);
    assert.deepEqual(archiveEntry(header('a', { mode: 0o644 })), { ...file, path: 'a', isExecutable: false });
    assert.deepEqual(archiveEntry(header('bin/', { type: 'directory' })), { kind: 'skip', why: 'folder' });
  });

  it('is left out when it belongs to a git repository, and refused when its name could become .git elsewhere', () => {
    for (const name of ['.git/config', 'vendor/x/.git', '.GIT/HEAD'])
      assert.deepEqual(archiveEntry(header(name)), { kind: 'skip', why: 'git' });
    for (const name of ['git~1/config', '.git. /x', '.g\u200cit/x', '.git::$INDEX/x', 'a/GIT~1'])
      assert.equal(refused(name), 'SLIP_ARCHIVE_PATH', name);
    assert.equal(archiveEntry(header('.gitignore')).kind, 'file');
  });

  it('is refused when its path leaves the archive, is not UTF-8 or is too long', () => {
    for (const name of ['/etc/passwd', '../x', 'a/../../x', 'a\0b', 'a\ufffd', 'x'.repeat(256), '.', 'y/'.repeat(2100)])
      assert.equal(refused(name), 'SLIP_ARCHIVE_PATH', name.slice(0, 20));
  });

  it('is refused when it is a device, a pipe or of an unknown type', () => {
    for (const type of ['character-device', 'block-device', 'fifo'] as const)
      assert.equal(refused('x', { type }), 'SLIP_ARCHIVE_ENTRY', type);
  });

  it('may be a link that stays in the archive', () => {
    const link = (name: string, linkname: string): unknown => refused(name, { type: 'symlink', linkname });
    const inside = { kind: 'symlink', path: 'a/b/c', target: '../d', leavesFolder: false };
    assert.deepEqual(link('a/b/c', '../d'), inside);
    assert.deepEqual(link('a/c', '../d'), { ...inside, path: 'a/c', leavesFolder: true });
    for (const [name, target] of [
      ['a', '/etc/passwd'],
      ['a', '..'],
      ['a/b', '../../c'],
      ['a/b', 'x/../../../a/b'],
    ] as const)
      assert.equal(link(name, target), 'SLIP_ARCHIVE_LINK', `${name} -> ${target}`);
    assert.deepEqual(archiveEntry(header('b', { type: 'link', linkname: './a' })), {
      ...{ kind: 'hardlink', path: 'b', target: 'a' },
    });
    assert.equal(refused('b', { type: 'link', linkname: '../a' }), 'SLIP_ARCHIVE_PATH');
  });
});

it('knows the top folder of a path', () => {
  assert.deepEqual(topOf('a/b/c'), { name: 'a', isFolder: true });
  assert.deepEqual(topOf('a'), { name: 'a', isFolder: false });
});
