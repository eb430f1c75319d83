import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { request } from 'undici';
import { eventually } from '../../support/eventually.ts';
import { TestFleet } from '../../support/fleet.ts';
import type { Repository } from '../../support/fleet-user.ts';

/** An app whose health its visitors set: /break, until the file `broken` is removed, and /die. */
const SERVER = `
import os, uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
state = {'dead': False, 'id': uuid.uuid4().hex}
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path
        if path == '/break': open('/app/broken', 'w').close()
        if path == '/die': state['dead'] = True
        broken = (path == '/up' and os.path.exists('/app/broken')) or (path == '/alive' and state['dead'])
        body = b'hello from ' + state['id'].encode()
        self.send_response(503 if broken else 200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
ThreadingHTTPServer(('0.0.0.0', int(os.environ['PORT'])), Handler).serve_forever()
`;
/** Fails soon, but not because a busy machine is slow. */
const QUICK = { wait: 1, attempts: 2, timeout: 60 };

function app(healthchecks: unknown): Readonly<Record<string, string>> {
  return {
    Procfile: 'web: python3 server.py\n',
    'server.py': SERVER,
    'app.json': JSON.stringify({ healthchecks: { web: healthchecks } }),
  };
}

describe('health checks on real parts', () => {
  let fleet: TestFleet;
  let shop: Repository;
  before(async () => {
    fleet = await TestFleet.start();
    shop = await fleet.me.repository(
      'shop',
      app([
        { type: 'startup', path: '/up', content: 'hello', ...QUICK },
        { type: 'readiness', path: '/up', ...QUICK },
        { type: 'liveness', path: '/alive', ...QUICK },
        { type: 'readiness', command: ['test', '-f', '/app/server.py'], ...QUICK },
      ]),
    );
    const pushed = await shop.push('shop');
    assert.ok(pushed.ok, pushed.text);
  });
  after(() => fleet.stop());

  const slipway = (...words: string[]): Promise<string> => fleet.slipway(...words, '-a', 'shop');
  const visit = async (path: string): Promise<{ readonly status: number; readonly text: string }> => {
    const url = `http://127.0.0.1:${String(fleet.ports.web)}${path}`;
    const { statusCode, body } = await request(url, { headers: { host: 'shop.localhost' } });
    return { status: statusCode, text: await body.text() };
  };
  /** The controller knows a change of an instance a moment later than the proxy. */
  const says = async (pattern: RegExp, ...words: string[]): Promise<void> => {
    let said = '';
    await eventually(`${words.join(' ')} says it`, async () => pattern.test((said = await slipway(...words)))).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}: ${String(pattern)}\n${said}`, { cause: error });
      },
    );
  };
  const statusOf = async (path: string): Promise<number> => (await visit(path)).status;
  const answers = (status: number): Promise<unknown> =>
    eventually(`the proxy answers ${String(status)}`, async () => (await statusOf('/')) === status || undefined);

  it('takes an instance out of the proxy while it is not ready, without a restart', async () => {
    const before = (await visit('/')).text;
    await statusOf('/break');
    await answers(503);
    await says(/web\.1: not ready/, 'ps');
    await says(/not ready +fails +readiness check \/up: it answered 503/, 'checks');
    await says(/fails +readiness check[^]*passes +liveness check \/alive: it answered 200/, 'checks:run');
    await says(/web\.1 on node-1 gets no requests: readiness check \/up failed 2 times/, 'why');
    await fleet.slipway('ps:exec', '-a', 'shop', 'web.1', 'rm', '/app/broken');
    await answers(200);
    assert.equal((await visit('/')).text, before, 'the same process');
    await says(/web\.1 gets no requests[^]*web\.1 gets requests again/, 'events');
  });

  it('restarts a process whose liveness check fails, and says why', async () => {
    const before = (await visit('/')).text;
    await statusOf('/die');
    await eventually('another process answers', async () => {
      const { status, text } = await visit('/');
      return (status === 200 && text !== before) || undefined;
    });
    await says(/web\.1: up .*restarted once/, 'ps');
    await says(/web\.1 is restarted: liveness check \/alive failed 2 times: it answered 503/, 'events');
  });

  it('changes a check with a release, and keeps the former one when the release fails', async () => {
    assert.match(
      await slipway('checks:set', 'web', '--path', '/', '--wait', '1', '--timeout', '60'),
      /set with checks:set[^]*Released v2\.\n.* in the switch/,
    );
    const failed = await slipway(
      'checks:set',
      'web',
      '--type',
      'startup',
      '--path',
      '/',
      '--content',
      'bye',
      '--wait',
      '1',
      '--timeout',
      '60',
    );
    assert.match(
      failed,
      /v3 failed: web\.1 did not start: startup check \/ failed 3 times: it answered 200, without the expected content/,
    );
    assert.doesNotMatch(await slipway('checks'), /bye/);
    assert.match(await slipway('checks:unset', 'web'), /from app\.json[^]*Released v4/);
    assert.equal(await statusOf('/'), 200);
  });

  it('refuses a push whose checks fail, and one whose app.json is wrong', async () => {
    await shop.commit({
      ...app([
        { type: 'readiness', path: '/nowhere', content: 'bye' },
        { path: '/', content: 'bye', ...QUICK },
      ]),
    });
    const failed = await shop.push('shop');
    assert.equal(failed.ok, false);
    assert.match(failed.text, /web\.1 did not start: startup check \/ failed 2 times[^]*v5 failed\. v4 keeps serving/);
    await shop.commit(app([{ path: 'no-slash' }]));
    const wrong = await shop.push('shop');
    assert.match(wrong.text, /app\.json: "healthchecks\.web\.0\.path" must start with \//);
    assert.equal(await statusOf('/'), 200);
  });
});
