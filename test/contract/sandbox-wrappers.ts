import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { ended, readLog, type SandboxLab } from '../support/sandbox-lab.ts';

/** Finishes a job when it is told to end, and takes its time. */
const WORK = `sub touch { open(my $f, '>', shift) } $SIG{TERM} = sub { touch('told'); select(undef, undef, undef, 0.05) until -e 'go'; touch('done'); exit 0 };
  touch('up'); sleep 1 while 1;`;
const WRAPPERS = {
  'a script': ['/bin/bash', 'run.sh'],
  'a list of commands': ['/bin/bash', '-c', 'perl work.pl; echo ended'],
  'a pipe': ['/bin/bash', '-c', 'perl work.pl 2>&1 | cat'],
  'a shell within a shell': ['/bin/sh', '-c', "sh -c 'perl work.pl; true'; true"],
};

/** The first process of a sandbox is often not the one with the work in it. */
export function wrapperTests(lab: () => SandboxLab): void {
  for (const [wrapper, argv] of Object.entries(WRAPPERS)) {
    it(`gives the process with the work its time after SIGTERM: ${wrapper}`, async () => {
      const { id } = await lab().run({
        argv,
        lowerDirs: [lab().layer({ 'work.pl': WORK, 'run.sh': 'perl work.pl\n' })],
      });
      const at = (name: string): string => join(lab().sandbox.appDir(id), name);
      await eventually('the work has begun', () => existsSync(at('up')));
      await lab().sandbox.signal(id, 'SIGTERM');
      await eventually('the work was told to end', () => existsSync(at('told')));
      assert.equal((await lab().sandbox.inspect(id))?.phase, 'running');
      writeFileSync(at('go'), '');
      await ended(lab().sandbox, id);
      assert.equal(existsSync(at('done')), true);
      assert.equal(readLog(lab().sandbox.logDir(id)), '');
      await lab().sandbox.forget(id);
    });
  }
}
