import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { PRODUCT_DIR, TestFleet } from '../../support/fleet.ts';
import type { PushResult, Repository } from '../../support/fleet-user.ts';
import { Transcript, unvarying } from '../../support/transcript.ts';

const DOCUMENT = join(PRODUCT_DIR, 'docs', 'transcripts.md');
const PUSH = 'git push slipway main';

/** `UPDATE=1 node --test test/e2e/pipeline/transcripts.test.ts` writes the document again. */
describe('docs/transcripts.md', () => {
  let fleet: TestFleet;
  let hello: Repository;
  let transcript: Transcript;

  before(async () => {
    fleet = await TestFleet.start();
    const files = ['server.js', 'package.json'].map(async (name) => [
      name,
      await readFile(join(PRODUCT_DIR, 'examples/hello-node', name), 'utf8'),
    ]);
    hello = await fleet.me.repository('hello', Object.fromEntries(await Promise.all(files)) as Record<string, string>);
    await hello.git('remote', 'add', 'slipway', hello.address('hello'));
    transcript = new Transcript([
      [hello.address('hello').replace(/\/\/[^@/]*@/, '//'), 'ssh://slipway.example.com/hello.git'], // git leaves the user out
      [`:${String(fleet.ports.web)}`, ':8080'],
    ]);
  });
  after(() => fleet.stop());

  const push = (): Promise<PushResult> => hello.attempt(['push', 'slipway', 'main']);
  const curl = async (): Promise<string> => (await fleet.site.get('hello')).body;
  const URL = 'http://hello.localhost:8080';

  it('shows the current output of the product', async () => {
    transcript.text(
      '# What you see\n\nOutput of a test with a real `git push` (`test/e2e/pipeline/transcripts.test.ts`). The test fails when this page is no longer correct.',
    );
    await firstPush();
    await brokenPush();
    await crashingApp();
    await configFromFile();
    await migration();
    const now = transcript.render();
    if (process.env['UPDATE'] === '1') await writeFile(DOCUMENT, now);
    assert.equal(unvarying(now), unvarying(await readFile(DOCUMENT, 'utf8')), 'write it anew with UPDATE=1');
  });

  async function firstPush(): Promise<void> {
    transcript.text('## A first push');
    transcript.session([PUSH, await push()], [`curl ${URL}`, await curl()]);
    transcript.text('A push with one changed line:');
    await hello.edit('server.js', (text) => text.replace("'v1'", "'v2'"));
    transcript.session([PUSH, await push()], [`curl ${URL}`, await curl()]);
  }

  async function brokenPush(): Promise<void> {
    transcript.text(
      '## A broken push\n\nA comma is missing in `package.json`. Nothing is released, the branch does not move, and the app still serves.',
    );
    const good = await hello.edit('package.json', (text) => text.replace('"1.0.0",', '"1.0.0"'));
    assert.ok(good !== '');
    transcript.session([PUSH, await push()], [`curl ${URL}`, await curl()]);
    transcript.text('A line of the `Procfile` that is not valid:');
    await hello.git('reset', '-q', '--hard', 'HEAD~1');
    await hello.commit({ Procfile: 'web node server.js\n' });
    transcript.session([PUSH, await push()]);
    await hello.git('reset', '-q', '--hard', 'HEAD~1');
  }

  async function crashingApp(): Promise<void> {
    transcript.text(
      '## An app that crashes\n\nIt builds, but it does not stay up. The release fails, and the previous release still serves.',
    );
    await hello.edit(
      'server.js',
      (text) => `if (!process.env.DATABASE_URL) throw new Error('DATABASE_URL is not set');\n${text}`,
    );
    const pushed = await push();
    const log = await eventually('the log has it', async () => {
      const text = await fleet.slipway('logs', '-a', 'hello', '-p', 'web.1', '-n', '5');
      return text.includes('exited with status 1') ? text : undefined;
    });
    transcript.session(
      [PUSH, pushed],
      ['slipway logs -a hello -p web.1 -n 5', log],
      ['slipway releases -a hello', await fleet.slipway('releases', '-a', 'hello')],
      ['slipway why hello', await fleet.slipway('why', 'hello')],
      [`curl ${URL}`, await curl()],
    );
  }

  async function configFromFile(): Promise<void> {
    transcript.text(
      '## Config vars from a file\n\nA `.env` file has the variable that was missing, and a certificate. Both are one release. A shell and foreman read the output of `config:dump` back.',
    );
    const file = join(fleet.dir, '.env');
    await writeFile(file, 'DATABASE_URL=postgres://db/hello\nCA_CERT="-----BEGIN-----\\nMIIB\\n-----END-----"\n');
    transcript.session(
      ['slipway config:push --yes -a hello', await fleet.slipway('config:push', '-f', file, '--yes', '-a', 'hello')],
      ['slipway config:dump -a hello', await fleet.slipway('config:dump', '-a', 'hello')],
      ['slipway releases -a hello -n 2', await fleet.slipway('releases', '-a', 'hello', '-n', '2')],
    );
  }

  async function migration(): Promise<void> {
    transcript.text(
      '## A migration before the switch\n\nThe process type `release` runs once for each new release, before anything of it starts. This migration fails, so the push is rejected.',
    );
    const migrate =
      "console.log('Adding the table orders');\nprocess.exit(process.env.ORDERS === undefined ? 0 : 1);\n";
    await hello.commit({
      Procfile: 'web: node server.js\nrelease: node migrate.js\n',
      'migrate.js': migrate.replace('? 0 : 1', '? 1 : 0'),
    });
    transcript.session([PUSH, await push()], [`curl ${URL}`, await curl()]);
    transcript.text('The next push mends it:');
    await hello.commit({ 'migrate.js': migrate });
    transcript.session(
      [PUSH, await push()],
      ['slipway releases:output -a hello', await fleet.slipway('releases:output', '-a', 'hello')],
    );
  }
});
