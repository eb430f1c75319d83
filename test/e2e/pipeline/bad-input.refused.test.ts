import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { nothingLeft, ServingApp } from '../../support/bad-input.ts';
import { eventually } from '../../support/eventually.ts';
import { TestFleet } from '../../support/fleet.ts';
import { helloApp, type PushResult, type Repository, type User } from '../../support/fleet-user.ts';

/** What git shows of an error before any pack is sent: one sentence, one hint, nothing about "access rights". */
function assertRefused(refused: PushResult, sentence: RegExp, hint: RegExp): void {
  assert.equal(refused.ok, false);
  const lines = refused.text.trim().split('\n');
  assert.match(lines[0] ?? '', /^fatal: remote error: /);
  assert.match(lines[0] ?? '', sentence);
  assert.match(lines[1] ?? '', hint);
  assert.doesNotMatch(refused.text, /access rights|SLIP_|\/tmp\//);
}

describe('a push that is refused before its build', () => {
  let fleet: TestFleet;
  let ann: User;
  let bob: User;
  let app: ServingApp;
  let bobs: Repository;

  before(async () => {
    fleet = await TestFleet.start({ controller: { rollout: { settleMs: 100, bakeMs: 100 } } });
    ann = await fleet.addUser('ann');
    bob = await fleet.addUser('bob');
    app = await ServingApp.deploy(fleet, 'blog', ann);
    bobs = await bob.repository('mine', helloApp('2'));
  });
  after(() => fleet.stop());

  async function appNames(): Promise<string[]> {
    return ((await fleet.api('GET', '/apps')) as { name: string }[]).map((each) => each.name);
  }

  it('gets the same answer for an unknown app and for the app of another user', async () => {
    const unknown = await bobs.clone('nothing');
    const hers = await bobs.clone('blog');
    assertRefused(unknown, /There is no app "nothing" that you may use\.$/, /slipway apps — or push to another name/);
    assert.equal(hers.text.replaceAll('blog', 'nothing'), unknown.text);
    const pushed = await bobs.push('blog');
    assertRefused(pushed, /There is no app "blog" that you may use\.$/, /slipway apps/);
    await app.assertUntouched(pushed);
  });

  it('lets the owner and an admin clone what was pushed', async () => {
    for (const person of [ann, fleet.me]) {
      const repository = await person.repository('elsewhere', {});
      assert.ok((await repository.clone('blog')).ok);
    }
  });

  it('creates no app for a push that sends nothing', async () => {
    const repos = join(fleet.stateDirs.controller, 'repos');
    const before = await readdir(repos);
    const opened = await bobs.attempt(['push', '--dry-run', bobs.address('opened'), 'main']);
    assert.ok(opened.ok, opened.text);
    assert.ok(!(await appNames()).includes('opened'));
    await eventually('nothing is left', async () => (await readdir(repos)).length === before.length);
  });

  const bad = [
    'Blog',
    'ab',
    'x--y',
    '-ab',
    'ab-',
    '9lives',
    'b_log',
    'a'.repeat(31),
    '../etc',
    'blog/extra',
    'b%20log',
    'blög',
  ];
  it('explains which app names are allowed, and creates no app with another name', async () => {
    for (const name of bad) {
      const sentence = name === 'blög' ? /The app name ".*" is not allowed\./ : /The app name "[^"]+" is not allowed\./;
      assertRefused(
        await bobs.push(name),
        sentence,
        /An app name has 3 to 30 characters: lower-case letters, digits and single dashes/,
      );
    }
    assertRefused(
      await bobs.push('www'),
      /The app name "www" is not allowed\./,
      /reserves this name\. Choose another one/,
    );
    assert.deepEqual(await appNames(), ['blog']);
  });

  it('names the unknown key and the command that adds it', async () => {
    await fleet.site.makeKey('stranger');
    const repository = await fleet.site.user('stranger').hearing().repository('x', helloApp('1'));
    const refused = await repository.push('blog');
    assert.match(refused.text, /Slipway does not know the key SHA256:\S+\.\r?\nAdd it with: slipway keys:add/);
    assert.match(refused.text, /Permission denied \(publickey\)/);
    await app.assertUntouched(refused);
  });

  it('refuses to delete the deploy branch, and names an alternative', async () => {
    const refused = await app.repository.push('blog', ':main');
    assert.match(
      refused.text,
      /rejected\] main \(main is the deploy branch and cannot be deleted; deploy another commit instead: git push --force/,
    );
    await app.assertUntouched(refused);
  });

  it('stores other branches and tags with a note, and can delete them again', async () => {
    await app.repository.git('branch', '-f', 'feature');
    const stored = await app.repository.push('blog', 'feature');
    assert.match(
      stored.text,
      /Stored the branch feature\. Only main is deployed\. To deploy this branch: git push slipway feature:main/,
    );
    assert.equal(await app.repository.remoteRef('blog', 'refs/heads/feature'), app.commit);
    assert.ok((await app.repository.push('blog', ':feature')).ok);
    await app.repository.git('tag', '-f', 'v1');
    assert.match((await app.repository.push('blog', 'v1')).text, /Stored v1\. Only the branch main is deployed/);
    assert.equal((await fleet.site.get('blog')).body, app.body);
    await nothingLeft(fleet);
  });

  it('deploys history that was rewritten when the push is forced, and only then', async () => {
    await app.repository.git('commit', '-q', '--amend', '-m', 'Rewritten');
    const refused = await app.repository.push('blog');
    assert.match(refused.text, /! \[rejected\].*non-fast-forward/);
    await app.assertUntouched(refused);
    const forced = await app.repository.push('blog', '+HEAD:main');
    assert.match(forced.text, /Released v2 · live on 1 node/);
    assert.equal(await app.repository.remoteRef('blog'), (await app.repository.git('rev-parse', 'HEAD')).stdout.trim());
    await app.goBack();
  });

  it('deploys files with export-ignore and export-subst unchanged', async () => {
    await app.commitBad({
      '.gitattributes': 'kept.txt export-ignore\nsubst.txt export-subst\n',
      'kept.txt': 'kept\n',
      'subst.txt': '$Format:%H$\n',
      'server.js': `const { readFileSync } = require('node:fs');
require('node:http').createServer((q, r) => r.end(readFileSync('kept.txt', 'utf8') + readFileSync('subst.txt', 'utf8'))).listen(process.env.PORT);
`,
    });
    const pushed = await app.repository.push('blog');
    assert.ok(pushed.ok, pushed.text);
    assert.equal((await fleet.site.get('blog')).body, 'kept\n$Format:%H$\n');
    await app.goBack();
  });

  it('names submodules and Git LFS pointers, whose content is not part of a push', async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12345\n`;
    await app.commitBad({ 'assets/big.bin': pointer });
    await app.repository.git('update-index', '--add', '--cacheinfo', `160000,${app.commit},vendor/lib`);
    await app.repository.git('commit', '-q', '-m', 'A repository inside');
    const pushed = await app.repository.push('blog');
    assert.ok(pushed.ok, pushed.text);
    assert.match(
      pushed.text,
      / ! {5}The submodule 'vendor\/lib' is not part of a push, so its folder is empty in this build\./,
    );
    assert.match(pushed.text, / ! {5}Commit the files themselves: git rm --cached FOLDER/);
    assert.match(
      pushed.text,
      / ! {5}'assets\/big\.bin' is a Git LFS pointer\. A push does not send the content of the file\./,
    );
    assert.match(pushed.text, / ! {5}Commit the file itself: git lfs untrack FILE/);
  });

  it('leaves nothing behind', () => nothingLeft(fleet));
});
