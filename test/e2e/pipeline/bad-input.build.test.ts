import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertSays, HELD_S, isHeld, ServingApp, withBuildpack } from '../../support/bad-input.ts';
import { TestFleet } from '../../support/fleet.ts';
import { helloApp } from '../../support/fleet-user.ts';

const BUILD = { slugLimitBytes: 100 * 1024 * 1024 };

describe('a push whose build cannot succeed', () => {
  let fleet: TestFleet;
  let app: ServingApp;

  before(async () => {
    fleet = await TestFleet.start({ controller: { rollout: { settleMs: 100, bakeMs: 100 }, build: BUILD } });
    app = await ServingApp.deploy(fleet, 'blog');
  });
  after(() => fleet.stop());

  it('names the expected files when no buildpack supports the app', async () => {
    const text = await app.refused({ 'README.md': 'hello' }, { alone: true });
    assertSays(
      text,
      /No buildpack supports this app: there is no package\.json, .* or Procfile at its root/,
      /Add a file Procfile with a line such as/,
    );
  });

  it('says that there is no command when there is neither Procfile nor default', async () => {
    const text = await app.refused({ ...withBuildpack('true') }, { alone: true });
    assertSays(text, /there is no command to start the app/, /Add a file Procfile with a line such as "web: /);
  });

  it('shows the output of a failing buildpack and its exit code', async () => {
    const text = await app.refused(withBuildpack('echo "cannot find libfoo" >&2; exit 3'));
    assert.match(text, /remote: cannot find libfoo/);
    assertSays(
      text,
      /The Custom app failed to build: bin\/compile of \.\/pack ended with exit code 3/,
      /Repair it, commit and push again/,
    );
  });

  it('distinguishes a buildpack that cannot be run from one that fails', async () => {
    const interpreter = await app.refused(withBuildpack('', { 'pack/bin/compile': '#!/usr/bin/nope\n' }));
    assertSays(
      interpreter,
      /bin\/compile of the buildpack \.\/pack cannot be run: its interpreter \/usr\/bin\/nope is not/,
      /chmod \+x/,
    );
    const windows = await app.refused(withBuildpack('', { 'pack/bin/compile': '#!/bin/sh\r\ntrue\r\n' }));
    assertSays(windows, /cannot be run: its lines end with CRLF/, /Unix line ends/);
    const { 'pack/bin/compile': _, ...incomplete } = withBuildpack('');
    assertSays(
      await app.refused(incomplete),
      /The buildpack \.\/pack has no bin\/compile/,
      /bin\/detect and bin\/compile at its root/,
    );
  });

  it('shows binary output without harm to the terminal, and its own messages on separate lines', async () => {
    const text = await app.refused(withBuildpack(String.raw`printf '\033]0;owned\007\033[2Jred\000\377\xfe'; exit 1`));
    assert.match(text, /remote: red/);
    // git adds an erase-line sequence of its own only on a terminal, and there is none here
    assert.doesNotMatch(text, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
    assertSays(text, /^remote: {2}! {5}The Custom app failed to build|rejected.*The Custom app failed/, /Repair it/);
  });

  it('says that a buildpack refuses the app, cannot be fetched, or is not a buildpack', async () => {
    const refusing = await app.refused(withBuildpack('', { 'pack/bin/detect': '#!/bin/sh\nexit 1\n' }));
    assertSays(refusing, /The buildpack \.\/pack does not support this app/, /name another buildpack/);
    const absent = await app.refused({ '.buildpacks': 'https://127.0.0.1:1/x.tgz\n' });
    assertSays(
      absent,
      /The buildpack https:\/\/127\.0\.0\.1:1\/x\.tgz could not be fetched: .*connect/,
      /A build cannot connect to its own machine/,
    );
    const none = await app.refused({ '.buildpacks': 'no such thing\n' });
    assertSays(none, /could not be fetched: it is not a name, URL or folder/, /Check its name or URL/);
  });

  it('names the bad line of a Procfile', async () => {
    const bad = await app.refused({ Procfile: 'web: node server.js\nthis is no line\n' });
    assertSays(
      bad,
      /Procfile line 2: "this is no line" is not of the form "type: command"/,
      /e\.g\. "web: node server\.js"\. Repair it/,
    );
    const empty = await app.refused({ Procfile: '# comment\n\nweb:\n' });
    assertSays(empty, /Procfile line 3: "web" has no command/, /Repair it, commit and push again/);
  });

  it('names the place of a mistake in app.json and package.json', async () => {
    assertSays(
      await app.refused({ 'app.json': '{\n  not json' }),
      /app\.json: not valid JSON at line 2/,
      /Repair app\.json/,
    );
    const text = await app.refused({ 'package.json': '{ not json' });
    assertSays(text, /The Node\.js app failed to build: package\.json is not valid JSON/, /Check it with: node -p/);
  });

  it('refuses a slug over the limit before it is stored', async () => {
    const text = await app.refused(withBuildpack('head -c 130000000 /dev/urandom >"$1/big"'));
    assertSays(text, /The slug is larger than 100\.0 MB/, /\.slugignore/);
  });

  it('names the app in a folder of a repository, and builds this folder once it is the root', async () => {
    const api = Object.entries(helloApp('1')).map(([path, content]) => [`api/${path}`, content] as const);
    const shop = await fleet.me.repository('shop', {
      'README.md': 'shop',
      'web/index.html': 'a page',
      ...Object.fromEntries(api),
    });
    const refused = await shop.push('shop');
    assertSays(refused.text, /there is an app in the folder api/, /slipway apps:root api -a shop/);
    await fleet.slipway('apps:root', 'api', '-a', 'shop');
    const pushed = await shop.push('shop');
    assert.ok(pushed.ok, `${pushed.text}\n${fleet.logs()}`);
    assert.match(pushed.text, /Building the folder api of the repository[^]*Node\.js app detected/);
    assert.match((await fleet.site.get('shop')).body, /^version=1 dyno=web\.1/);
    await shop.commit({ 'web/index.html': 'another page' });
    assert.match((await shop.push('shop')).text, /Released v2/, 'a change outside of the root is a release, too');
    await fleet.slipway('apps:root', 'web', '-a', 'shop');
    const site = await shop.push('shop', '+main~1:main');
    assert.ok(site.ok, `${site.text}\n${fleet.logs()}`);
    assert.equal((await fleet.site.get('shop')).body, 'a page');
  });

  it('accepts a good commit afterwards', () => app.recovers());

  it('ends a buildpack that hangs, names the step, and kills all its processes', async () => {
    // Only here, because a busy machine may need longer for the other builds.
    await fleet.restartWith('controller', { build: { ...BUILD, timeoutMs: 20_000 } });
    const pushUntilCompile = async (): Promise<string> => {
      const text = await app.refused(withBuildpack(`sleep ${HELD_S} & sleep ${HELD_S}`));
      return text.includes('during bin/compile') || !text.includes('took longer') ? text : await pushUntilCompile();
    };
    const text = await pushUntilCompile();
    assertSays(
      text,
      /took longer than 20 s and was stopped during bin\/compile of \.\/pack/,
      /must not wait for input or for a server/,
    );
    assert.equal(await isHeld(), false);
  });
});
