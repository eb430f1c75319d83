import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { sandboxBase } from '../../agent/sandbox/config.ts';
import type { Sandbox } from '../../agent/sandbox/port.ts';
import { run, runOk } from '../../shared/kit/exec.ts';
import { eventually } from '../support/eventually.ts';
import { ended, openSandboxLab, readLog, type SandboxLab } from '../support/sandbox-lab.ts';
import { wrapperTests } from './sandbox-wrappers.ts';

const sh = (script: string): string[] => ['/bin/sh', '-c', script];
/** Arguments that no other test process has. */
const STAYS_S = String(10_000_000 + process.pid);
const LEFT_S = String(20_000_000 + process.pid);

/** What every driver that runs real processes keeps. */
export function realSandboxContract(kind: Sandbox['kind']): void {
  describe(`real processes of sandbox ${kind}`, { concurrency: false }, () => {
    let lab: SandboxLab;
    before(async () => {
      lab = await openSandboxLab(kind);
    });
    after(async () => {
      await lab.close();
    });

    it('hands the environment over byte for byte, and nothing else', async () => {
      const values = {
        QUOTES: `it's "quoted" \`and\` $HOME \\n`,
        LINES: 'first\nsecond\n\nlast\n',
        CONTROLS: Array.from({ length: 255 }, (_, index) => String.fromCharCode(index + 1)).join(''),
        WIDE: 'ü → 🚀',
        EMPTY: '',
      };
      const { output } = await lab.finish({
        argv: sh(
          'for n in QUOTES LINES CONTROLS WIDE EMPTY; do printenv $n | od -An -v -tx1 | tr -d " \\n"; echo; done; env -0 | tr "\\0" "\\n" | grep -ac "^[A-Z_a-z]*="',
        ),
        env: { ...values, PATH: '/usr/bin:/bin', HOME: '/app' },
      });
      const lines = output.split('\n');
      for (const [index, value] of Object.values(values).entries()) {
        assert.equal(Buffer.from(lines[index] ?? '', 'hex').toString(), `${value}\n`);
      }
      const names = 10; // five, PATH, HOME, PWD, OLDPWD or _ of some shells, and the mark of `process`
      assert.ok(Number(lines[5]) <= names, `${String(lines[5])} variables`);
    });

    if (kind !== 'process') {
      it('runs with a read-only root wherever its state lies, on a file system mounted noatime too', async () => {
        const dir = mkdtempSync(join(tmpdir(), 'slipway-noatime-'));
        await runOk(run, { file: 'mount', args: ['-t', 'tmpfs', '-o', 'noatime,mode=755', 'noatime', dir] });
        try {
          const there = await openSandboxLab(kind, { stateDir: join(dir, 'state') });
          try {
            const { output } = await there.finish({
              argv: sh('grep -o " / ro,nosuid,nodev[^ ]*" /proc/self/mountinfo'),
            });
            assert.equal(output, ' / ro,nosuid,nodev,relatime\n');
          } finally {
            await there.close();
          }
        } finally {
          await runOk(run, { file: 'umount', args: [dir] });
          rmdirSync(dir);
        }
      });
    }

    if (kind !== 'process') {
      it('knows its own host name, as the address at which it is reached', async () => {
        const { status, output } = await lab.finish({
          argv: sh('getent hosts "$(hostname)"; getent hosts localhost | head -n 1'),
        });
        const [own = '', local = ''] = output.split('\n').map((line) => line.split(/\s+/).join(' '));
        assert.equal(own, `${status.address} lab-app-web-1`);
        assert.match(local, /localhost/);
      });
    }

    it('refuses a variable that cannot be handed over', async () => {
      for (const env of [{ A: 'x\0y' }, { 'A;id': 'x' }]) {
        const spec = lab.spec({ env });
        await assert.rejects(lab.sandbox.prepare(spec), { code: 'SLIP_SANDBOX_ENV' });
        assert.equal(
          (await lab.sandbox.list()).some((found) => found.id === spec.id),
          false,
        );
      }
    });

    it('keeps standard output and error, reopened ones too', async () => {
      const { output } = await lab.finish({
        argv: sh('echo out; echo err >&2; echo again > /dev/stdout; echo oops > /dev/stderr'),
      });
      assert.deepEqual(output.trim().split('\n'), ['out', 'err', 'again', 'oops']);
    });

    it('keeps the log of earlier lives under one id', async () => {
      const { id } = lab.spec();
      await lab.finish({ id, argv: sh('echo first') });
      const { output } = await lab.finish({ id, argv: sh('echo second') });
      assert.deepEqual(output.trim().split('\n'), ['first', 'second']);
    });

    it('stacks layers into a writable /app, and leaves the layers as they are', async () => {
      const below = lab.layer({ 'a.txt': 'below', 'b.txt': 'below', 'dir/c.txt': 'deep' });
      const above = lab.layer({ 'b.txt': 'above' });
      const { status, output } = await lab.finish({
        lowerDirs: [below, above],
        argv: sh(
          'cat a.txt b.txt dir/c.txt; echo; pwd; echo new > new.txt; rm a.txt; echo changed > b.txt; mv dir moved',
        ),
      });
      assert.deepEqual([status.exit?.code, output.split('\n')[0]], [0, 'belowabovedeep']);
      assert.equal(output.split('\n')[1], kind === 'process' ? lab.sandbox.appDir(status.id) : '/app');
      assert.equal(readFileSync(join(lab.sandbox.appDir(status.id), 'b.txt'), 'utf8'), 'changed\n');
      assert.equal(readFileSync(join(lab.sandbox.upperDir(status.id), 'new.txt'), 'utf8'), 'new\n');
      assert.equal(existsSync(join(lab.sandbox.appDir(status.id), 'a.txt')), false);
      assert.deepEqual(
        [readFileSync(join(below, 'a.txt'), 'utf8'), readFileSync(join(above, 'b.txt'), 'utf8')],
        ['below', 'above'],
      );
    });

    it('starts with a clean /app after an end', async () => {
      const { id } = lab.spec();
      await lab.finish({ id, argv: sh('echo x > left-behind') });
      assert.equal((await lab.finish({ id, argv: sh('ls') })).output, '');
    });

    it('binds folders and files, read-only and writable, at any path', async () => {
      const pack = lab.layer({ 'bin/detect': 'detect' });
      const cache = join(lab.dir, 'cache');
      mkdirSync(cache);
      if (process.getuid?.() === 0) chownSync(cache, lab.spec().uidBase + 1000, lab.spec().uidBase + 1000);
      const file = join(lab.dir, 'source.tgz');
      writeFileSync(file, 'tarball');
      const { output } = await lab.finish({
        argv: sh(
          'cat "$PACK/bin/detect" "$SOURCE"; echo; echo kept > "$CACHE/kept"; echo no 2>&1 > "$PACK/bin/x" || echo refused',
        ),
        readOnlyBinds: { [pack]: '/buildpacks/node', [file]: '/app/source.tgz' },
        writableBinds: { [cache]: '/cache' },
        env: {
          PATH: '/usr/bin:/bin',
          HOME: '/app',
          PACK: '/buildpacks/node',
          SOURCE: '/app/source.tgz',
          CACHE: '/cache',
        },
      });
      assert.equal(output.split('\n')[0], 'detecttarball');
      if (kind !== 'process') assert.match(output, /refused/);
      assert.equal(readFileSync(join(cache, 'kept'), 'utf8'), 'kept\n');
    });

    it('is found again by the next agent, with its exit', async () => {
      const stays = await lab.run({});
      const ends = await lab.run({ argv: sh('sleep 0.3; exit 9') });
      const next = await lab.reopen();
      assert.deepEqual(await next.inspect(stays.id), stays);
      assert.equal((await ended(next, ends.id)).exit?.code, 9);
      await next.signal(stays.id, 'SIGKILL');
      assert.equal((await ended(next, stays.id)).exit?.signal, 'SIGKILL');
      await next.forget(stays.id);
      await next.forget(ends.id);
      assert.equal(
        (await lab.sandbox.list()).some((found) => [stays.id, ends.id].includes(found.id)),
        false,
      );
    });

    it('knows after a reboot only observed ends, and starts the other instances again', async () => {
      const lost = await lab.run({});
      const over = await lab.run({ argv: sh('exit 9') });
      await ended(lab.sandbox, over.id);
      const at = (id: string, name: string): string => join(sandboxBase(lab.config.stateDir), 'sandboxes', id, name);
      process.kill(Number(readFileSync(at(lost.id, 'run/pid'), 'utf8').split(' ', 1)[0]), 'SIGKILL');
      await lab.sandbox.signal(lost.id, 'SIGKILL');
      for (const { id } of [lost, over]) {
        const record = readFileSync(at(id, 'record.json'), 'utf8');
        writeFileSync(at(id, 'record.json'), record.replace(/"bootId":"[^"]*"/, '"bootId":"of an earlier boot"'));
      }
      const next = await lab.reopen();
      assert.equal(await next.inspect(lost.id), undefined);
      assert.equal((await next.inspect(over.id))?.exit?.code, 9);
      await next.forget(over.id);
      assert.equal(
        (await next.list()).some((found) => [lost.id, over.id].includes(found.id)),
        false,
      );
    });

    it('gives the complete output of a build to the agent before its end', async () => {
      const chunks: Uint8Array[] = [];
      const { id } = await lab.run({
        purpose: 'build',
        onOutput: (chunk) => chunks.push(chunk),
        argv: sh('head -c 3000000 /dev/zero | tr "\\0" x; printf "\\001\\377" >&2; exit 4'),
      });
      const status = await ended(lab.sandbox, id);
      const output = Buffer.concat(chunks);
      assert.deepEqual([status.exit?.code, output.length, output.at(-2), output.at(-1)], [4, 3_000_002, 1, 255]);
      assert.equal(readLog(lab.sandbox.logDir(id)), '');
      await lab.sandbox.forget(id);
    });

    it('starts a dyno as Heroku does: profile scripts in order, then the command by bash', async () => {
      const slug = lab.layer({
        '.profile.d/20-b.sh': 'export ORDER="$ORDER b"; export PATH="$HOME/bin:$PATH"',
        '.profile.d/10-a.sh': 'export ORDER="$ORDER a"',
        '.profile': 'export ORDER="$ORDER profile"',
        'bin/tool': '#!/bin/sh\necho tool of $DYNO',
      });
      chmodSync(join(slug, 'bin/tool'), 0o755);
      const command = 'echo "$ORDER" | tr a-z A-Z; [[ $PWD == $HOME ]] && tool; exit 5';
      const { status, output } = await lab.finish({
        lowerDirs: [slug],
        argv: ['/bin/bash', '/run/slipway/bin/dyno.sh', command],
        env: { PATH: '/usr/bin:/bin', HOME: '/app', DYNO: 'web.1', ORDER: 'config' },
      });
      assert.deepEqual([status.exit?.code, output.trim().split('\n')], [5, ['CONFIG A B PROFILE', 'tool of web.1']]);
    });

    it('leaves nothing below /run when it is forgotten', async () => {
      const { id } = await lab.run({ argv: sh(`exec sleep ${STAYS_S}`) });
      await eventually('it runs', () => countProcesses(STAYS_S) === 1);
      await lab.sandbox.destroy(id);
      await lab.sandbox.forget(id);
      const { stdout } = await run({ file: 'find', args: ['/run', '-xdev', '-path', `*${id}*`] });
      assert.equal(stdout, '');
    });

    wrapperTests(() => lab);

    it('leaves no process behind: background ones end with the first', async () => {
      const { status } = await lab.finish({
        argv: sh(`setsid sh -c "trap \\"\\" TERM HUP; exec sleep ${LEFT_S}" & sleep 0.2; exit 0`),
      });
      assert.equal(status.exit?.code, 0);
      assert.equal(countProcesses(LEFT_S), 0);
    });
  });
}

function countProcesses(argument: string): number {
  const lines = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      } catch {
        return [];
      }
    });
  return lines.filter((argv) => argv[0] === 'sleep' && argv[1] === argument).length;
}
