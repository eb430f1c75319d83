import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { parseCidr } from '../../agent/sandbox/config.ts';
import { Namespaces } from '../../agent/sandbox/network/namespaces.ts';
import { run, type Run } from '../../shared/kit/exec.ts';
import { silentLogger } from '../../shared/kit/log.ts';

const isRoot = process.getuid?.() === 0;
const BRIDGE = `sbns${String(process.pid % 100_000)}`;
const NETNS = `${BRIDGE}-2`;
const NAMES = { bridge: BRIDGE, subnet: parseCidr('10.99.0.0/24') };

async function removed(before: Run): Promise<unknown> {
  await run({ file: 'ip', args: ['netns', 'add', NETNS] });
  const deps = { run: before, log: silentLogger, randomId: () => 'aaaaaaaaaa' };
  try {
    await new Namespaces(NAMES, 0, deps).release(NETNS);
    return existsSync(`/run/netns/${NETNS}`);
  } catch (error) {
    return error;
  } finally {
    await run({ file: 'ip', args: ['netns', 'del', NETNS] });
  }
}

test(
  'a namespace that another removal took first is removed',
  { skip: !isRoot && 'needs root: it makes a network namespace' },
  async () => {
    const second: Run = async (command) => {
      await run(command);
      return run(command);
    };
    assert.equal(await removed(second), false);
  },
);

test(
  'a namespace that cannot be removed is an error',
  { skip: !isRoot && 'needs root: it makes a network namespace' },
  async () => {
    const failing: Run = () =>
      Promise.resolve({ code: 1, signal: null, stdout: '', stderr: 'Device or resource busy' });
    assert.match(String(await removed(failing)), /Device or resource busy/);
  },
);
