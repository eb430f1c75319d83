import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openEditor } from '../../../../cli/terminal/editor.ts';
import { DEFAULT_ENV, start } from '../../../../shared/kit/exec.ts';

describe('the editor of the user', () => {
  let dir: string;
  before(async () => (dir = await mkdtemp(join(tmpdir(), 'slipway-editor-'))));
  after(() => rm(dir, { recursive: true }));

  it('gets the file after its own arguments, and its environment', async () => {
    const [path, script] = [join(dir, 'text'), join(dir, 'editor.sh')];
    await writeFile(path, 'old');
    await writeFile(script, 'printf "%s %s" "$1" "$WHO" > "$2"\n');
    await openEditor(path, { command: `/bin/sh ${script}  --wait`, env: { ...DEFAULT_ENV, WHO: 'ada' } });
    assert.equal(await readFile(path, 'utf8'), '--wait ada');
  });

  it('fails in plain words when it cannot start or ends with an error', async () => {
    const before = process.listenerCount('SIGINT');
    for (const command of ['/no/such/editor', '/bin/false'])
      await assert.rejects(openEditor('/dev/null', { command, env: DEFAULT_ENV }), {
        code: 'SLIP_CLI_EDITOR',
        message: /Nothing was changed\.$/,
      });
    assert.equal(process.listenerCount('SIGINT'), before);
  });

  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    it(`leaves no file when ${signal} ends the program`, async () => {
      const module = join(import.meta.dirname, '../../../../cli/terminal/private-file.ts');
      const source = `const { withPrivateFile } = await import(${JSON.stringify(module)});
        await withPrivateFile({ name: 'a.env', text: 'SECRET' }, async () => { process.stdout.write('open'); for await (const _ of process.stdin); });`;
      const env = { ...DEFAULT_ENV, TMPDIR: dir };
      const child = start({ file: process.execPath, args: ['--input-type=module', '-e', source], env }, [
        'pipe',
        'pipe',
        'inherit',
      ]);
      assert.ok(child.stdout !== null);
      await once(child.stdout, 'data');
      assert.equal((await readdir(dir)).filter((name) => name.startsWith('slipway-')).length, 1);
      child.kill(signal);
      await once(child, 'exit');
      assert.equal(child.exitCode, code);
      assert.deepEqual(
        (await readdir(dir)).filter((name) => name.startsWith('slipway-')),
        [],
      );
    });
  }
});
