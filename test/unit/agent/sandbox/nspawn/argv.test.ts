import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nspawnArgv } from '../../../../../agent/sandbox/nspawn/argv.ts';
import { samplePolicy } from '../../../../support/sandbox-policy.ts';

describe('the arguments of systemd-nspawn', () => {
  const argv = nspawnArgv(samplePolicy(), ['confine']);

  it('have every rule of the policy', () => {
    for (const argument of [
      '--settings=no',
      '--register=no',
      '--keep-unit',
      '--read-only',
      '--private-users=805306368:65536',
      '--drop-capability=all',
      '--no-new-privileges=yes',
      '--user=app',
      '--bind-ro=/usr:/usr:norbind',
      '--bind-ro=/dev/null:/proc/kallsyms',
    ]) {
      assert.ok(argv.includes(argument), argument);
    }
    assert.match(
      argv.find((argument) => argument.startsWith('--system-call-filter=~')) ?? '',
      /\bmount\b.*\bunshare\b.*\bbpf\b/,
    );
  });

  it('leave the tool its own pipe at /proc/kmsg', () => {
    assert.equal(argv.includes('--bind-ro=/dev/null:/proc/kmsg'), false);
  });

  it('put the filter on arguments before the program', () => {
    assert.deepEqual(argv.slice(argv.indexOf('--')), [
      '--',
      '/bin/sh',
      '/run/slipway/bin/report.sh',
      '--unite',
      'confine',
      ...samplePolicy().argv,
    ]);
  });

  it('escape what nspawn would split at', () => {
    const policy = samplePolicy({ readOnlyBinds: { '/a:b': '/c:d' } });
    assert.ok(nspawnArgv(policy, []).includes('--bind-ro=/a\\:b:/c\\:d:norbind'));
  });
});
