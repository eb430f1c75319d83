import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { writeTree, type Tree } from '../support/build-bench.ts';
import { checkSite } from '../../buildpacks/static/lib/check.mjs';
import { serve } from '../../buildpacks/static/lib/server.mjs';

type Env = Readonly<Record<string, string>>;

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Site {
  readonly folder: string;
  get(path: string, headers?: Env, body?: string): Promise<Answer>;
}

const SCRIPT = 'const line = "the same again";\n'.repeat(200);
const APR1 = '$apr1$TestSalt$vt.niHoVCM1WjEfQmUhpH0'; // openssl passwd -apr1 -salt TestSalt open-sesame

/** Runs `use` with a site of these files, as the static buildpack serves it. */
async function withSite(config: object, files: Tree, env: Env, use: (site: Site) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-static-'));
  let server: Server | undefined;
  try {
    await writeTree(folder, { 'static.json': JSON.stringify(config), 'index.html': 'home', ...files });
    const started = (server = await serve(folder, 0, env));
    await use({ folder, get: (path, headers = {}, body) => ask(started, path, headers, body) });
  } finally {
    server?.close();
    server?.closeAllConnections();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A request whose path and answer nothing rewrites or decodes. */
function ask(server: Server, path: string, headers: Env, body?: string): Promise<Answer> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      path,
      headers,
      method: body === undefined ? 'GET' : 'POST',
      agent: false,
    };
    const outgoing = request(options, (answer) => {
      void buffer(answer).then(
        (bytes) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: bytes }),
        reject,
      );
    });
    outgoing.on('error', reject).end(body);
  });
}

function basic(user: string, password: string): Env {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

describe('static.json: access to a site', () => {
  const accounts: readonly [string, object, Env, string | undefined][] = [
    [
      'config variables',
      { basic_auth: true },
      { BASIC_AUTH_USERNAME: 'ann', BASIC_AUTH_PASSWORD: 'open-sesame' },
      undefined,
    ],
    [
      'a hash in a config variable',
      { basic_auth: true },
      { BASIC_AUTH_USERNAME: 'ann', BASIC_AUTH_PASSWORD: APR1 },
      undefined,
    ],
    [
      'config variables without the key',
      {},
      { BASIC_AUTH_USERNAME: 'ann', BASIC_AUTH_PASSWORD: 'open-sesame' },
      undefined,
    ],
    ['.htpasswd with MD5', { basic_auth: true }, {}, `# people\nbob:{PLAIN}x\nann:${APR1}\n`],
    ['.htpasswd with SHA-1', { basic_auth: true }, {}, 'ann:{SHA}piGucRdTwGb7+i3S1svNik60+fw=\n'],
  ];
  for (const [name, config, env, htpasswd] of accounts) {
    it(`asks for the password of ${name}`, async () => {
      const files: Tree = htpasswd === undefined ? {} : { '.htpasswd': htpasswd };
      await withSite(config, files, env, async ({ get }) => {
        const closed = await get('/');
        assert.deepEqual([closed.status, closed.headers['www-authenticate']?.slice(0, 5)], [401, 'Basic']);
        assert.equal((await get('/', basic('ann', 'open'))).status, 401);
        assert.equal((await get('/', basic('eve', 'open-sesame'))).status, 401);
        for (let round = 0; round < 2; round++) assert.equal((await get('/', basic('ann', 'open-sesame'))).status, 200);
        assert.equal((await get('/.htpasswd', basic('ann', 'open-sesame'))).status, 404);
      });
    });
  }

  it('does not start without the password that it asks for', async () => {
    for (const env of [{}, { BASIC_AUTH_USERNAME: 'ann' }] as Env[])
      await assert.rejects(
        withSite({ basic_auth: true }, {}, env, async () => undefined),
        /slipway config:set BASIC_AUTH_USERNAME=/,
      );
    await assert.rejects(
      withSite({ basic_auth: true }, { '.htpasswd': 'ann:$2y$05$abc' }, {}, async () => undefined),
      /openssl passwd -apr1/,
    );
  });

  it('sends plain requests to https before it asks for a password', async () => {
    const env = { BASIC_AUTH_USERNAME: 'ann', BASIC_AUTH_PASSWORD: 'open-sesame' };
    await withSite(
      { https_only: true, canonical_host: '${HOST}' },
      {},
      { ...env, HOST: 'www.shop.example' },
      async ({ get }) => {
        const plain = await get('/a%20b?c=d', { host: 'shop.example', 'x-forwarded-proto': 'http' });
        assert.deepEqual([plain.status, plain.headers.location], [301, 'https://www.shop.example/a%20b?c=d']);
        const other = await get('/', { host: 'shop.example', 'x-forwarded-proto': 'https' });
        assert.equal(other.headers.location, 'https://www.shop.example/');
        assert.equal((await get('/', { host: 'www.shop.example', 'x-forwarded-proto': 'https' })).status, 401);
      },
    );
  });
});

describe('static.json: where a request leads', () => {
  it('keeps the query and the encoding in redirects', async () => {
    const redirects = {
      '/old': { url: '/new' },
      '/alt/*': { url: '/größe?from=${PLACE}#top', status: 302 },
      '/done': { url: '/a%20b 50%' },
    };
    await withSite({ redirects }, { 'docs a/index.html': 'docs' }, { PLACE: 'a b' }, async ({ get }) => {
      const locations: readonly [string, string][] = [
        ['/old?a=1&b=%C3%A4', '/new?a=1&b=%C3%A4'],
        ['/alt/x?y=1', '/gr%C3%B6%C3%9Fe?from=a%20b&y=1#top'],
        ['/done', '/a%20b%2050%25'],
        ['/docs%20a?page=2', '/docs%20a/?page=2'],
        ['//docs%20a', '/docs%20a/'],
      ];
      for (const [path, location] of locations) assert.equal((await get(path)).headers.location, location, path);
    });
  });

  it('answers for the origin of a proxy, and keeps the password of the site from it', async () => {
    const seen: { url: string; authorization: string | undefined; body: string }[] = [];
    const origin = createServer((incoming, answer) => {
      void text(incoming).then((body) => {
        seen.push({ url: incoming.url ?? '', authorization: incoming.headers.authorization, body });
        answer.writeHead(201, { 'X-Origin': 'yes' }).end('from the origin');
      });
    });
    await new Promise<void>((resolve) => void origin.listen(0, '127.0.0.1', resolve));
    const ORIGIN = `http://127.0.0.1:${String((origin.address() as AddressInfo).port)}`;
    const env = { ORIGIN, BASIC_AUTH_USERNAME: 'ann', BASIC_AUTH_PASSWORD: 'open-sesame' };
    const proxies = { '/api/': { origin: '${ORIGIN}/v1/' }, '/api/gone/': { origin: 'http://127.0.0.1:9' } };
    try {
      await withSite({ proxies }, {}, env, async ({ get }) => {
        const me = basic('ann', 'open-sesame');
        assert.equal((await get('/api/x')).status, 401);
        const answer = await get('/a%70i/x%2Fy?z=1', { ...me, 'transfer-encoding': 'chunked' }, 'a body');
        assert.deepEqual(
          [answer.status, answer.headers['x-origin'], answer.body.toString()],
          [201, 'yes', 'from the origin'],
        );
        assert.deepEqual(seen, [{ url: '/v1/x%2Fy?z=1', authorization: undefined, body: 'a body' }]);
        assert.equal((await get('/api/%2e%2e/secret', me)).status, 400);
        assert.equal((await get('/api/gone/', me)).status, 502);
      });
    } finally {
      origin.close();
      origin.closeAllConnections();
    }
  });
});

describe('static.json: how text is sent', () => {
  it('compresses text for those who can read it, and never parts of it', async () => {
    await withSite(
      { encoding: 'ISO-8859-1' },
      { 'app.js': SCRIPT, 'small.js': '1', 'photo.png': SCRIPT },
      {},
      async ({ get }) => {
        const plain = await get('/app.js');
        assert.deepEqual([plain.headers['content-encoding'], plain.headers.vary], [undefined, 'Accept-Encoding']);
        assert.equal(plain.headers['content-type'], 'text/javascript; charset=iso-8859-1');
        const gzip = await get('/app.js', { 'accept-encoding': 'gzip, deflate, br;q=0' });
        assert.deepEqual([gzip.headers['content-encoding'], gunzipSync(gzip.body).toString()], ['gzip', SCRIPT]);
        for (let round = 0; round < 2; round++) {
          const brotli = await get('/app.js', { 'accept-encoding': 'gzip, br' });
          assert.deepEqual(
            [brotli.headers['content-encoding'], brotliDecompressSync(brotli.body).toString()],
            ['br', SCRIPT],
          );
          assert.ok(brotli.body.length < SCRIPT.length / 5);
          const again = await get('/app.js', { 'accept-encoding': 'br', 'if-none-match': brotli.headers.etag ?? '' });
          assert.deepEqual([again.status, again.headers.vary], [304, 'Accept-Encoding']);
          assert.notEqual(brotli.headers.etag, gzip.headers.etag);
        }
        const part = await get('/app.js', { 'accept-encoding': 'gzip', range: 'bytes=0-4' });
        assert.deepEqual(
          [part.status, part.headers['content-encoding'], part.body.toString()],
          [206, undefined, 'const'],
        );
        assert.equal((await get('/app.js', { range: 'bytes=0-4', 'if-range': '"another"' })).status, 200);
        for (const path of ['/small.js', '/photo.png'])
          assert.equal((await get(path, { 'accept-encoding': 'gzip' })).headers['content-encoding'], undefined);
      },
    );
  });
});

describe('static.json: unknown keys are refused or named', () => {
  const refused: readonly [object, RegExp][] = [
    [{ basic_autth: true }, /does not know "basic_autth"/],
    [{ basic_auth: 'true' }, /"basic_auth" must be true or false, without quotes/],
    [{ clean_urls: 1 }, /"clean_urls" must be true or false/],
    [{ error_page: ['404.html'] }, /"error_page" must be a text/],
    [{ root: '../x' }, /"root" must lie inside the app/],
    [{ root: 'dist' }, /there is no folder "dist"/],
    [{ headers: { '/': { 'a b': '1' } } }, /headers of "\/" must be/],
    [{ headers: { '/': { a: 'x\ny' } } }, /headers of "\/" must be/],
    [{ redirects: { '/a': '/b' } }, /redirect "\/a" must be/],
    [{ redirects: { '/a': { url: '/b', status: 200 } } }, /the status may be/],
    [{ proxies: { '/api/': { origin: 'ftp://x' } } }, /proxy "\/api\/" must be/],
    [{ proxies: { '/api/': { origin: 'https://x', host: 'y' } } }, /proxy "\/api\/" must be/],
    [{ canonical_host: 'https://x/' }, /"canonical_host" must be a host name/],
    [{ routes: [] }, /"routes" must be an object/],
    [[], /must hold an object/],
  ];
  for (const [config, message] of refused) {
    it(`refuses ${JSON.stringify(config)}`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'slipway-static-'));
      try {
        await writeTree(folder, { 'static.json': JSON.stringify(config) });
        assert.throws(() => checkSite(folder, {}), { message });
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  }

  it('names settings without an effect here, variables that are absent, and the HTTPS that it needs', async () => {
    const config = { worker_connections: 9, https_only: true, canonical_host: '${HOST}', _note: 'mine' };
    await withSite(config, {}, { HOST: 'x.example' }, async ({ folder }) => {
      assert.deepEqual(
        checkSite(folder, {}).map((line) => line.slice(0, 40)),
        [
          'static.json: "worker_connections" is a s',
          'static.json uses the variable ${HOST}, w',
          'static.json: "https_only" redirects ever',
        ],
      );
      await assert.rejects(serve(folder, 0, {}), /names \$\{HOST\}/);
    });
  });
});
