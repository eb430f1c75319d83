import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createBench, writeTree } from '../support/build-bench.ts';
import { serve } from '../../buildpacks/static/lib/server.mjs';

describe('the static buildpack', () => {
  it('adds a server and a web process to a folder of pages', async () => {
    const bench = await createBench();
    try {
      const { slug } = await bench.build({ 'index.html': '<h1>hi</h1>' });
      assert.deepEqual(slug.processTypes, { web: 'exec node .heroku/static/server.mjs' });
      assert.ok(Object.hasOwn(bench.layers.last!.trees['app']!, '.heroku/static/server.mjs'));
      assert.match(bench.output(), /-----> Static HTML app detected/);
      const config = JSON.stringify({ basic_auth: true, logging: { access: true } });
      await assert.rejects(bench.build({ 'index.html': 'secret', 'static.json': config }), {
        code: 'SLIP_BUILD_COMPILE_FAILED',
        message:
          /asks for "basic_auth", but there is no user name and password.*slipway config:set BASIC_AUTH_USERNAME=/,
      });
      const account = { BASIC_AUTH_USERNAME: 'u', BASIC_AUTH_PASSWORD: 'p' };
      await bench.build({ 'index.html': 'secret', 'static.json': config }, { config: account });
      assert.match(bench.output(), /^ !     static\.json: "logging" is a setting of nginx and has no effect here\.$/m);
    } finally {
      await bench.close();
    }
  });
});

describe('the server of static apps', () => {
  let folder: string;
  let server: Awaited<ReturnType<typeof serve>>;
  let base: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-static-'));
    await writeTree(folder, {
      'static.json': JSON.stringify({
        root: 'public',
        clean_urls: true,
        routes: { '/spa/**': 'index.html' },
        redirects: { '/old': { url: '/new', status: 302 } },
        headers: { '/assets/*': { 'Cache-Control': 'public, max-age=60' } },
      }),
      'secret.txt': 'secret',
      'public/index.html': '<h1>home</h1>',
      'public/404.html': 'lost',
      'public/about.html': 'about',
      'public/docs/index.html': 'docs',
      'public/assets/app.js': '0123456789',
      'public/.env': 'secret',
      'public/.well-known/ok.txt': 'fine',
      'public/leak': { link: '../secret.txt' },
    });
    server = await serve(folder, 0);
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close').catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  });

  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(base + path, { headers, redirect: 'manual' });

  it('serves pages, folders, clean addresses, routes and redirects', async () => {
    assert.equal(await (await get('/')).text(), '<h1>home</h1>');
    assert.equal(await (await get('/docs/')).text(), 'docs');
    assert.equal((await get('/docs')).headers.get('location'), '/docs/');
    assert.equal(await (await get('/about')).text(), 'about');
    assert.equal(await (await get('/spa/deep/link')).text(), '<h1>home</h1>');
    const moved = await get('/old');
    assert.deepEqual([moved.status, moved.headers.get('location')], [302, '/new']);
    assert.equal(await (await get('/.well-known/ok.txt')).text(), 'fine');
  });

  it('answers 404 with its page, and 405 to methods that do not read', async () => {
    const lost = await get('/nowhere');
    assert.deepEqual([lost.status, await lost.text()], [404, 'lost']);
    assert.equal((await fetch(`${base}/`, { method: 'POST' })).status, 405);
  });

  it('sends type, age and ETag, and answers 304 for cached files', async () => {
    const first = await get('/assets/app.js');
    assert.equal(first.headers.get('content-type'), 'text/javascript; charset=utf-8');
    assert.equal(first.headers.get('cache-control'), 'public, max-age=60');
    const etag = first.headers.get('etag') ?? '';
    assert.equal((await get('/assets/app.js', { 'If-None-Match': etag })).status, 304);
    assert.equal(
      (await get('/assets/app.js', { 'If-Modified-Since': first.headers.get('last-modified') ?? '' })).status,
      304,
    );
    const head = await fetch(`${base}/assets/app.js`, { method: 'HEAD' });
    assert.equal(head.headers.get('content-length'), '10');
  });

  it('serves ranges', async () => {
    const middle = await get('/assets/app.js', { Range: 'bytes=2-4' });
    assert.deepEqual(
      [middle.status, await middle.text(), middle.headers.get('content-range')],
      [206, '234', 'bytes 2-4/10'],
    );
    assert.equal(await (await get('/assets/app.js', { Range: 'bytes=-3' })).text(), '789');
    assert.equal((await get('/assets/app.js', { Range: 'bytes=20-' })).status, 416);
  });

  it('never leaves its folder', async () => {
    for (const path of [
      '/../secret.txt',
      '/%2e%2e/secret.txt',
      '/..%2fsecret.txt',
      '/leak',
      '/.env',
      '/assets/..%5c..%5csecret.txt',
      '/%00',
      '/%zz',
    ]) {
      const answer = await get(path);
      assert.ok(answer.status === 404 || answer.status === 400, `${path}: ${answer.status}`);
      assert.doesNotMatch(await answer.text(), /secret/);
    }
  });
});
