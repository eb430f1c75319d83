import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DEFAULT_ENV, run } from '../../shared/kit/exec.ts';
import { Clone } from '../support/clone.ts';

describe('quickstart --tls', { concurrency: false }, () => {
  let clone: Clone;
  before(async () => {
    clone = await Clone.make();
  });
  after(() => clone.remove());

  const host = 'hello.apps.localhost';

  /** What curl gets, with only the CA of the quickstart trusted. */
  async function curl(url: string): Promise<{ code: number | null; text: string }> {
    const ca = join(clone.dir, '.slipway', 'tls', 'ca.pem');
    const { port } = new URL(url);
    const args = [
      '-sS',
      '--cacert',
      ca,
      '--resolve',
      `${host}:${port}:127.0.0.1`,
      '-w',
      ' %{http_code} %{redirect_url}',
    ];
    const { code, stdout, stderr } = await run({ file: 'curl', args: [...args, url], env: DEFAULT_ENV });
    return { code, text: stdout + stderr };
  }

  it('serves apps over HTTPS with its own CA, says how to trust it, and keeps its key to itself', async () => {
    const { code, stdout, stderr } = await clone.quickstart('--tls');
    assert.equal(code, 0, stdout + stderr);
    const { web, https } = clone.ports;
    assert.match(stdout, new RegExp(`https://${host}:${String(https)} answers: 200 Hello`));
    for (const word of ['update-ca-certificates', 'add-trusted-cert', '-addstore Root', 'Firefox'])
      assert.ok(stdout.includes(word), word);
    const secure = await curl(`https://${host}:${String(https)}/`);
    assert.deepEqual([secure.code, secure.text.includes('Hello'), secure.text.includes(' 200 ')], [0, true, true]);
    const plain = await curl(`http://${host}:${String(web)}/a?b`);
    assert.match(plain.text, new RegExp(` 308 https://${host}:${String(https)}/a\\?b$`));
    const folder = join(clone.dir, '.slipway');
    for (const file of ['tls/ca.key', 'controller/apps.key'])
      assert.equal((await stat(join(folder, file))).mode & 0o777, 0o600, file);
    const { problems } = JSON.parse((await clone.slipway('status', '--json')).stdout) as { problems: unknown[] };
    assert.deepEqual(problems, []);
  });

  it('keeps its CA in a second run, and goes back with --no-tls', async () => {
    const file = join(clone.dir, '.slipway', 'tls', 'ca.pem');
    const ca = await readFile(file, 'utf8');
    const again = await clone.quickstart();
    assert.equal(again.code, 0, again.stdout + again.stderr);
    assert.match(again.stdout, /already running/);
    assert.equal(await readFile(file, 'utf8'), ca);
    const off = await clone.quickstart('--no-tls');
    assert.equal(off.code, 0, off.stdout + off.stderr);
    assert.match(off.stdout, new RegExp(`http://hello\\.localhost:${String(clone.ports.web)} answers: 200 Hello`));
  });
});
