import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const ROOT = join(import.meta.dirname, '../..');
/** For these the kernel takes a lock on the memory of the process. A hostile process holds that lock for as long as it likes. */
const STALLING = /\/(cmdline|environ|maps|smaps|smaps_rollup|numa_maps|pagemap|mem|clear_refs|auxv|map_files)\b/;
const PROC = /\/proc\/(\$|\[0-9\]|\*|self\/|" ?\. ?\$)/;
const WALKERS =
  /file: '(ps|top|pgrep|pkill|pidof|killall|fuser|lsof)'|(^|[;&|(]) *(ps|pgrep|pkill|pidof|killall|fuser|lsof) /m;
/** The driver for development without root: its sandboxes run as the agent's own user and could kill the agent as well. */
const UNCONFINED = new Set(['agent/sandbox/process/marked-processes.ts', 'agent/sandbox/supervisor/supervise.sh']);

function sources(): string[] {
  return ['agent', 'controller', 'shared', 'cli'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|sh|pl|awk)$/.test(name))
      .map((name) => join(folder, name)),
  );
}

describe('reads of other processes by the product', () => {
  it('cannot be blocked by a hostile process', () => {
    const stalling = sources().filter((file) => {
      const lines = readFileSync(join(ROOT, file), 'utf8').split('\n');
      return lines.some((line) => PROC.test(line) && STALLING.test(line));
    });
    assert.deepEqual(
      stalling.filter((file) => !UNCONFINED.has(file)),
      [],
    );
    // The list of exceptions must not outlive its reason.
    assert.deepEqual(stalling.length, UNCONFINED.size, stalling.join());
  });

  it('never use a program that reads all processes', () => {
    const callers = sources().filter((file) => WALKERS.test(readFileSync(join(ROOT, file), 'utf8')));
    assert.deepEqual(callers, []);
  });
});
