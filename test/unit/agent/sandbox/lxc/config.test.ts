import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { instanceLayout } from '../../../../../agent/sandbox/config.ts';
import { lxcConfig, lxcSeccompProfile } from '../../../../../agent/sandbox/lxc/config.ts';
import { samplePolicy, sampleSpec } from '../../../../support/sandbox-policy.ts';

const PATHS = { seccompProfile: '/s/seccomp', cgroup: 'slipway/abcdefgh', cgroupVersion: 1 as const };

describe('the LXC config', () => {
  const lines = lxcConfig(samplePolicy(), PATHS).split('\n');

  it('has every rule of the policy', () => {
    for (const line of [
      'lxc.rootfs.options = ro,nosuid,nodev',
      'lxc.idmap = u 0 805306368 65536',
      'lxc.idmap = g 0 805306368 65536',
      'lxc.cap.keep = none',
      'lxc.no_new_privs = 1',
      'lxc.seccomp.profile = /s/seccomp',
      'lxc.init.uid = 1000',
      'lxc.init.gid = 1000',
      'lxc.namespace.share.net = /run/netns/slip0-2',
      'lxc.mount.auto = proc:mixed',
      'lxc.mount.entry = /dev/null proc/kallsyms none bind,ro,optional 0 0',
    ]) {
      assert.ok(lines.includes(line), line);
    }
  });

  it('puts payload, monitor and pivot below our own cgroup, never at the root', () => {
    const dirs = lines.filter((line) => line.startsWith('lxc.cgroup.dir.'));
    assert.equal(dirs.length, 3);
    assert.ok(dirs.every((line) => line.includes('= slipway/abcdefgh/')));
  });

  it('uses the cgroup version of the machine', () => {
    assert.ok(lines.includes('lxc.cgroup.devices.deny = a'));
    assert.match(lxcConfig(samplePolicy(), { ...PATHS, cgroupVersion: 2 }), /^lxc\.cgroup2\.devices\.deny = a$/m);
  });

  it('never lets a mount be executed as another user or bring devices', () => {
    const binds = lines.filter((line) => line.startsWith('lxc.mount.entry') && !line.includes('/dev/null'));
    assert.ok(binds.length > 4);
    assert.ok(
      binds.every((line) => line.includes('nosuid,nodev')),
      binds.join('\n'),
    );
  });

  it('escapes white space in paths, and refuses what would begin a new line', () => {
    const policy = samplePolicy({ readOnlyBinds: { '/a b/c\\d': '/x y' } });
    assert.match(
      lxcConfig(policy, PATHS),
      /^lxc\.mount\.entry = \/a\\040b\/c\\134d x\\040y none bind,ro,nosuid,nodev 0 0$/m,
    );
    assert.throws(() => lxcConfig({ ...policy, root: '/r\nlxc.hook.start = /bin/id' }, PATHS), {
      code: 'SLIP_SANDBOX_VALUE',
    });
  });

  it('has no secret in it', () => {
    assert.doesNotMatch(lxcConfig(samplePolicy({ env: { TOKEN: 'hunter2' } }), PATHS), /hunter2/);
    assert.doesNotMatch(samplePolicy({ env: { TOKEN: 'hunter2' } }).argv.join(' '), /hunter2/);
  });
});

describe('the system call filter for LXC', () => {
  const profile = lxcSeccompProfile(samplePolicy().seccompDeny);

  it('denies by name, and by the bits of an argument', () => {
    assert.ok(profile.startsWith('2\ndenylist\n'));
    assert.match(profile, /^mount errno 1$/m);
    assert.match(profile, /^clone3 errno 38$/m);
    assert.match(profile, /^clone errno 1 \[0,268435456,SCMP_CMP_MASKED_EQ,268435456\]$/m);
    assert.match(profile, /^ioctl errno 1 \[1,21522,SCMP_CMP_MASKED_EQ,4294967295\]$/m);
    assert.match(profile, /^socket errno 97 \[0,32,SCMP_CMP_MASKED_EQ,4294967264\]$/m);
  });
});

describe('the layout', () => {
  it('keeps everything of a sandbox in one folder, but its log and its exit', () => {
    const layout = instanceLayout('/state/sandbox', sampleSpec().id);
    const outside = Object.entries<string>({ ...layout }).filter(([, path]) => !path.startsWith(layout.dir));
    assert.deepEqual(
      outside.map(([name]) => name),
      ['exitFile', 'log'],
    );
  });
});
