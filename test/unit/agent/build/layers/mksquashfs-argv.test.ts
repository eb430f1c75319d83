import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { squashAppArgv, squashFolderArgv } from '../../../../../agent/build/layers/mksquashfs-argv.ts';

const OPTIONS = { output: '/s/out.sqfs', mtimeMs: 1_700_000_000_999, processors: 2, memoryMebibytes: 256 };
const COMMON =
  '-comp zstd -Xcompression-level 3 -b 131072 -all-root -noId -no-xattrs -no-hardlinks -root-mode 0755 ' +
  '-mkfs-time 315532800 -all-time 1700000000 -noappend -nopad -no-recovery -exit-on-error -quiet -no-progress -processors 2 -mem 256M ' +
  '-action chmod(a-s)@!perm(0)';

describe('the command line of an image', () => {
  it('packs the whole folder when nothing is left out', () => {
    assert.deepEqual(squashAppArgv(OPTIONS, []), ['.', '/s/out.sqfs', ...COMMON.split(' ')]);
  });

  it('leaves out the content of folders by patterns that match nothing else', () => {
    assert.deepEqual(
      squashAppArgv(OPTIONS, ['node_modules', 'a b/[x]*ü\\', '-e']).slice(2 + COMMON.split(' ').length),
      [
        '-wildcards',
        '-e',
        'node_modules/*',
        'node_modules/.*',
        'a\\ b/\\[x\\]\\*ü\\\\/*',
        'a\\ b/\\[x\\]\\*ü\\\\/.*',
        '-e/*',
        '-e/.*',
      ],
    );
  });

  it('packs a folder at its own path, folders on the way with a plain mode', () => {
    assert.deepEqual(squashFolderArgv(OPTIONS, 'a b/c'), [
      './a b/c',
      '/s/out.sqfs',
      '-tarstyle',
      ...COMMON.split(' '),
      '-p',
      'a\\ b m 0755 0 0',
      '-p',
      'a\\ b/c m 0755 0 0',
    ]);
  });

  it('keeps times within what an image can hold', () => {
    const timeOf = (mtimeMs: number): string | undefined => {
      const argv = squashAppArgv({ ...OPTIONS, mtimeMs }, []);
      return argv[argv.indexOf('-all-time') + 1];
    };
    assert.deepEqual([-5, 999, 1e15].map(timeOf), ['0', '0', '4294967295']);
  });
});
