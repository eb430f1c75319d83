import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { hierarchiesOf } from '../../../../agent/sandbox/cgroup/hierarchies.ts';
import { exportsFile, shellQuote } from '../../../../agent/sandbox/environment.ts';
import { imageBytes } from '../../../../agent/sandbox/files/disks.ts';
import { fstabOf, mountAll, parseMountInfo } from '../../../../agent/sandbox/files/mounts.ts';
import { withAppUser } from '../../../../agent/sandbox/files/skeleton.ts';
import { parseExit } from '../../../../agent/sandbox/handle.ts';
import { parseListeners } from '../../../../agent/sandbox/listeners.ts';
import { translatePath } from '../../../../agent/sandbox/process/translate.ts';
import { superviseArgs } from '../../../../agent/sandbox/supervisor/port.ts';
import type { Run } from '../../../../shared/kit/exec.ts';
import { systemdRunArgs } from '../../../../agent/sandbox/supervisor/systemd.ts';

describe('an exit file', () => {
  it('says code or signal, and whether memory ran out', () => {
    assert.deepEqual(parseExit('7 0 1000\n'), { code: 7, oomKilled: false, atMs: 1000 });
    assert.deepEqual(parseExit('137 1 1000\n'), { signal: 'SIGKILL', oomKilled: true, atMs: 1000 });
    assert.deepEqual(parseExit('137 1 1000 own\n'), { signal: 'SIGKILL', oomKilled: true, atMs: 1000 });
    assert.deepEqual(parseExit('137 1 1000 node\n'), {
      signal: 'SIGKILL',
      oomKilled: true,
      oomOfNode: true,
      atMs: 1000,
    });
    assert.deepEqual(parseExit('7 0 1000 node\n'), { code: 7, oomKilled: false, atMs: 1000 });
    assert.deepEqual(parseExit('143 0 1000\n'), { signal: 'SIGTERM', oomKilled: false, atMs: 1000 });
    assert.deepEqual(
      parseExit('0 3 1000\n'),
      { code: 0, oomKilled: false, atMs: 1000 },
      'a child of it was killed, it went on',
    );
    assert.equal(parseExit('255 0 1\n')?.code, 255);
    for (const torn of ['', '7', '7 0', '7 0 1000', 'x 0 1\n']) assert.equal(parseExit(torn), undefined);
  });
});

describe('the file of exports', () => {
  it('quotes for a shell', () => {
    assert.equal(shellQuote(`it's`), `'it'\\''s'`);
    assert.equal(exportsFile({ A: '$(id)\n`x`', B: '' }), `export A='$(id)\n\`x\`'\nexport B=''\n`);
  });

  it('refuses names that are not names', () => {
    for (const name of ['', '1A', 'A B', 'A;id', 'A=B', 'Ä'])
      assert.throws(() => exportsFile({ [name]: 'x' }), { code: 'SLIP_SANDBOX_ENV' });
  });
});

describe('several mounts', () => {
  const overlay = {
    source: 'app',
    target: '/s/one/app',
    type: 'overlay',
    options: 'lowerdir=lower/0,upperdir=disk/upper',
  } as const;
  const bind = { source: '/s/a b', target: '/s/#\\c', type: 'none', options: 'bind,nosuid,nodev' } as const;

  it('are lines of a list in which no path can end a field or a line', () => {
    assert.equal(
      fstabOf([bind, overlay, { ...bind, source: '/x\ny' }]),
      [
        '/s/a\\040b /s/\\043\\134c none bind,nosuid,nodev 0 0',
        'app /s/one/app overlay lowerdir=lower/0,upperdir=disk/upper 0 0',
        '/x\\012y /s/\\043\\134c none bind,nosuid,nodev 0 0',
        '',
      ].join('\n'),
    );
  });

  it('start one program, and none without a mount', async () => {
    const started: string[] = [];
    const run: Run = async ({ file, args }) => {
      started.push([file, ...args].join(' '));
      return { code: 0, signal: null, stdout: '', stderr: '' };
    };
    const folder = await mkdtemp(join(tmpdir(), 'slipway-mounts-'));
    await mountAll(folder, [], run);
    await mountAll(folder, [bind, overlay], run);
    assert.deepEqual(started, [`mount --all --fstab ${folder}/mounts`]);
    assert.equal(await readFile(join(folder, 'mounts'), 'utf8'), fstabOf([bind, overlay]));
    await rm(folder, { recursive: true });
  });
});

describe('sockets in LISTEN', () => {
  it('are read from the kernel in its own byte order', () => {
    const tcp = [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
      '   0: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 42 1 0',
      '   1: 0100007F:1389 0100007F:0050 01 00000000:00000000 00:00000000 00000000  1000        0 43 1 0',
      '   2: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 44 1',
      '   3: 00000000000000000000000001000000:0051 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 45 1',
    ].join('\n');
    assert.deepEqual(parseListeners(tcp), [
      { address: '127.0.0.1', port: 5000, inode: '42' },
      { address: '::', port: 80, inode: '44' },
      { address: '::1', port: 81, inode: '45' },
    ]);
  });

  it('are UDP sockets without a peer in the lists of UDP', () => {
    const udp = [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops',
      '  12: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 46 2 0 0',
      '  13: 0100007F:9C41 0100007F:0035 01 00000000:00000000 00:00000000 00000000     0        0 47 2 0 0',
    ].join('\n');
    assert.deepEqual(parseListeners(udp, 'udp'), [{ address: '0.0.0.0', port: 53, inode: '46', protocol: 'udp' }]);
  });
});

describe('cgroup hierarchies', () => {
  it('are found where they are mounted, hybrid ones too', () => {
    const text = [
      '30 29 0:27 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory',
      '31 29 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
      '32 29 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
      '33 29 0:30 / /mnt/a\\040b rw - ext4 /dev/loop0 rw',
    ].join('\n');
    const found = hierarchiesOf(parseMountInfo(text));
    assert.equal(found.v1.get('memory'), '/sys/fs/cgroup/memory');
    assert.equal(found.v1.get('cpuacct'), '/sys/fs/cgroup/cpu,cpuacct');
    assert.equal(found.v2, '/sys/fs/cgroup/unified');
    assert.equal(parseMountInfo(text).at(-1)?.target, '/mnt/a b');
  });
});

describe('the app user', () => {
  it('takes its number and name from whoever has them in a stack', () => {
    const passwd = 'root:x:0:0::/root:/bin/sh\nubuntu:x:1000:1000::/home/ubuntu:/bin/bash\napp:x:7:7::/:/bin/false\n';
    assert.equal(
      withAppUser(passwd, '', 'app:x:1000:1000:app:/app:/bin/bash'),
      'root:x:0:0::/root:/bin/sh\napp:x:1000:1000:app:/app:/bin/bash\n',
    );
  });
});

describe('a disk', () => {
  it('is as much larger as its own bookkeeping takes', () => {
    const bytes = imageBytes({ diskBytes: 1024 ** 3, diskInodes: 100_000 });
    assert.equal(bytes % 4096, 0);
    assert.ok(bytes > 1024 ** 3 + 100_000 * 256 && bytes < 1024 ** 3 * 1.05);
  });
});

describe('inside paths of the process driver', () => {
  it('are changed by whole segments, the longest first', () => {
    const table = { '/app': '/state/x/app', '/app/cache': '/cache' };
    assert.equal(translatePath('/app', table), '/state/x/app');
    assert.equal(translatePath('/app/a', table), '/state/x/app/a');
    assert.equal(translatePath('/app/cache/y', table), '/cache/y');
    for (const same of ['/application', 'cat /app', '/other', '']) assert.equal(translatePath(same, table), same);
  });
});

describe('the supervisor', () => {
  const supervised = {
    id: 'abcdefgh',
    runDir: '/r',
    exitFile: '/e/abcdefgh',
    logDir: '/l',
    logBytesMax: 1_000_000,
    processes: '/cg/app',
    oomFile: '/cg/oom',
    joinDirs: ['/cg/a', '/cg/b'],
    oomScoreAdjust: 500,
    argv: ['/bin/sh', '-c', 'echo $HOME $$'],
    env: { PATH: '/bin' },
    tied: false,
  };

  it('gets a fifth of the log per file', () => {
    assert.deepEqual(superviseArgs(supervised), [
      'log',
      '/r',
      '/e/abcdefgh',
      '/l',
      '200000',
      '/cg/app',
      '/cg/oom',
      '/cg/a /cg/b',
      '500',
      ...supervised.argv,
    ]);
    assert.equal(superviseArgs({ ...supervised, logBytesMax: 1 })[4], '4096');
    assert.equal(superviseArgs({ ...supervised, tied: true })[0], 'pipe');
  });

  it('keeps systemd from expanding what looks like variables', () => {
    const args = systemdRunArgs('slipway', '/scripts', supervised);
    assert.equal(args.at(-1), 'echo $$HOME $$$$');
    assert.ok(args.includes('--unit=slipway-sandbox-abcdefgh.service'));
    assert.ok(args.includes('--slice=slipway.slice'));
  });

  it('gives an app its time when the machine shuts down, after the agent has gone', () => {
    const args = systemdRunArgs('slipway', '/scripts', supervised);
    assert.ok(args.includes('--property=ExecStop=/bin/sh /scripts/stop.sh /cg/app /r 30'));
    assert.ok(args.includes('--property=Before=slipway-agent.service'));
  });
});
