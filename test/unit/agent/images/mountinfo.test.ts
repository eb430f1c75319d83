import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mountOf, parseMountinfo } from '../../../../agent/images/mountinfo.ts';

const TEXT = `27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
43 27 254:0 /s /s rw,relatime shared:5 - ext4 /dev/vda rw
44 43 7:0 / /s/with\\040space ro,nosuid shared:6 master:2 - squashfs /dev/loop0 ro
nonsense
`;

describe('the mount table', () => {
  it('tells mount points, propagation and kind, odd names and all', () => {
    assert.deepEqual(parseMountinfo(TEXT), [
      { mountPoint: '/', root: '/', shared: false, fsType: 'ext4', source: '/dev/vda' },
      { mountPoint: '/s', root: '/s', shared: true, fsType: 'ext4', source: '/dev/vda' },
      { mountPoint: '/s/with space', root: '/', shared: true, fsType: 'squashfs', source: '/dev/loop0' },
    ]);
  });

  it('finds the mount a path lies on, the last one where several are stacked', () => {
    const entries = parseMountinfo(TEXT);
    assert.equal(mountOf(entries, '/s/with space/x')?.fsType, 'squashfs');
    assert.equal(mountOf(entries, '/sx')?.mountPoint, '/');
    assert.equal(mountOf(entries, '/s')?.mountPoint, '/s');
    const stacked = [...entries, { mountPoint: '/s', root: '/', shared: false, fsType: 'tmpfs', source: 'tmpfs' }];
    assert.equal(mountOf(stacked, '/s/x')?.fsType, 'tmpfs');
  });
});
