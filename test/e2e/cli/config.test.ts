import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseAppName } from '../../../shared/domain/names.ts';
import { DEFAULT_ENV, run, type CommandResult } from '../../../shared/kit/exec.ts';
import { revealAll } from '../../../shared/kit/sensitive.ts';
import { openApi, type ApiFixture } from '../../support/api-fixture.ts';
import { cliCommand } from '../../support/cli-command.ts';
import { addApp } from '../../support/store-fixtures.ts';

const ENV = { ...DEFAULT_ENV, PATH: `${dirname(process.execPath)}:${DEFAULT_ENV['PATH'] ?? ''}` };
const KEY = "-----BEGIN-----\nit's $5 `x`\r\n\tünï\n";

describe('config vars in files, with the real command', () => {
  let fixture: ApiFixture;
  let dir: string;
  before(async () => {
    fixture = await openApi();
    dir = await mkdtemp(join(tmpdir(), 'slipway-cli-config-'));
    await mkdir(join(dir, 'tmp'));
    const { user, caller } = await fixture.addCaller('root', true);
    const settings = { url: fixture.url, token: caller.token, caPem: fixture.authority.caPem };
    await writeFile(join(dir, 'config.json'), JSON.stringify(settings));
    const [one] = [await addApp(fixture.store, user.id, 'one'), await addApp(fixture.store, user.id, 'two')];
    await fixture.store.setConfig(one.id, { KEY, LEVEL: 'info' });
  });
  after(async () => {
    await fixture.close();
    await rm(dir, { recursive: true });
  });

  async function slipway(args: readonly string[], own: Record<string, string> = {}): Promise<CommandResult> {
    const env = { ...ENV, HOME: dir, TMPDIR: join(dir, 'tmp'), SLIPWAY_CONFIG: join(dir, 'config.json'), ...own };
    return await run({ ...cliCommand(args, env), cwd: dir, stdin: '', timeoutMs: 240_000 });
  }

  async function configOf(name: string): Promise<Readonly<Record<string, string>>> {
    const app = await fixture.store.appByName(parseAppName(name));
    assert.ok(app !== undefined);
    return revealAll(await fixture.store.config(app.id));
  }

  it('go from one app to another through a .env file that a shell reads too', async () => {
    assert.equal((await slipway(['config:pull', '-a', 'one'])).code, 0);
    const push = await slipway(['config:push', '-a', 'two']);
    assert.deepEqual([push.code, await configOf('two')], [2, {}], 'nobody confirmed it');
    assert.equal((await slipway(['config:push', '--yes', '-a', 'two'])).code, 0);
    assert.deepEqual(await configOf('two'), { KEY, LEVEL: 'info' });
    await writeFile(join(dir, 'dumped'), (await slipway(['config:dump', '-a', 'two'])).stdout);
    const script = 'set -a; . ./dumped; exec env -0';
    const shell = await run({ file: '/bin/sh', args: ['-c', script], env: DEFAULT_ENV, cwd: dir });
    assert.ok(shell.stdout.split('\0').includes(`KEY=${KEY}`));
  });

  it('are edited in the editor of the user, and no file is left', async () => {
    const editor = join(dir, 'editor');
    await writeFile(editor, '#!/bin/sh\nkill -INT $PPID\ncp "$1" "$HOME/seen"\nsed -i s/info/debug/ "$1"\n');
    await chmod(editor, 0o700);
    const edited = await slipway(['config:edit', '-a', 'one'], { VISUAL: editor });
    assert.equal(edited.stdout, '  ~  LEVEL  another value\nChanged LEVEL on one, live as v7\n', edited.stderr);
    assert.deepEqual(await configOf('one'), { KEY, LEVEL: 'debug' });
    assert.match(await readFile(join(dir, 'seen'), 'utf8'), /LEVEL=info/);
    const failed = await slipway(['config:edit', '-a', 'one'], { VISUAL: '/bin/false' });
    assert.deepEqual([failed.code, failed.stderr.includes('The editor "/bin/false" failed')], [1, true]);
    assert.deepEqual(
      (await readdir(join(dir, 'tmp'))).filter((name) => name.startsWith('slipway-')),
      [],
    );
  });

  it('get a new key at the order of an administrator', async () => {
    const { code, stdout } = await slipway(['controller:rotate-key']);
    assert.equal(code, 0);
    assert.match(stdout, /Back up the new \/state\/config\.key now/);
  });
});
