import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertSays, ServingApp } from '../../support/bad-input.ts';
import { eventually } from '../../support/eventually.ts';
import { TestFleet } from '../../support/fleet.ts';

/** A server that listens as `where` says. */
function listening(where: string): Record<string, string> {
  return {
    'server.js': `require('node:http').createServer((q, r) => r.end('x')).listen(${where}, () => console.log('ready'));\n`,
  };
}

describe('a push whose app cannot serve', () => {
  let fleet: TestFleet;
  let app: ServingApp;

  before(async () => {
    fleet = await TestFleet.start({
      controller: { rollout: { settleMs: 100, bakeMs: 100 } },
      agent: { stopTimeoutMs: 1_000 },
    });
    app = await ServingApp.deploy(fleet, 'blog');
  });
  after(() => fleet.stop());

  it('reports the exit of an app that ends at once, with its last output', async () => {
    const text = await app.refused({ 'server.js': 'console.error("no database"); process.exit(7);\n' });
    assertSays(text, /web\.1 exited with status 7 before it was ready/, /slipway logs -a blog -p web\.1/);
    assert.match(text, /Its last lines:\s+remote: +no database/);
    assert.match(text, / ! {5}v2 failed\. v1 keeps serving\./);
  });

  it('shows the error itself, not only the end of its stack', async () => {
    const text = await app.refused({ 'server.js': 'const port = {;\n' });
    assert.match(text, /remote: +\/app\/server\.js:1\s/);
    assert.match(text, /SyntaxError: Unexpected token/);
  });

  it('names a command that does not exist', async () => {
    const text = await app.refused({ Procfile: 'web: ./no-such-server --port $PORT\n' });
    assertSays(
      text,
      /web\.1 could not run its command `\.\/no-such-server --port \$PORT` \(exit 127\)/,
      /Check the command in the Procfile/,
    );
  });

  it('says that it listens on loopback only', async () => {
    const text = await app.refused(listening('process.env.PORT, "127.0.0.1"'));
    assertSays(
      text,
      /The app listens on 127\.0\.0\.1:\d+ only, where the proxy cannot reach it/,
      /Listen on 0\.0\.0\.0/,
    );
  });

  it('has a line in its log when it ignores SIGTERM and is killed', async () => {
    const deaf = `process.on('SIGTERM', () => console.log('not now'));\n`;
    await app.repository.commit({ 'server.js': `${deaf}${listening('process.env.PORT')['server.js'] ?? ''}` });
    const pushed = await app.repository.push('blog');
    assert.ok(pushed.ok, pushed.text);
    await app.goBack();
    const told = await eventually('its end is in the log', async () => {
      const text = await fleet.pastLogs('-a', 'blog', '-p', 'web.1');
      return text.includes('Error R12') ? text : undefined;
    });
    assert.match(
      told,
      /slipway\[web\.1\]: Stopping process with SIGTERM\n.* app\[web\.1\]: not now\n.* slipway\[web\.1\]: Error R12 \(Exit timeout\) -> The process did not end within 1 s of SIGTERM/,
    );
  });

  it('says that it ran out of memory', async () => {
    const greedy = 'const all = [];\nfor (;;) all.push(Buffer.alloc(32 * 1024 * 1024, 1));\n';
    const text = await app.refused({ 'server.js': greedy });
    assertSays(
      text,
      /web\.1 was killed before it was ready: it used more memory than its limit of 512 MB/,
      /slipway logs -a blog -p web\.1/,
    );
  });

  it('accepts a good commit afterwards', () => app.recovers());

  it('is rolled back when it crashes just after it was ready', async () => {
    // Long enough for the crash on a busy machine. A release that crashes does not wait for its end.
    await fleet.restartWith('controller', { rollout: { settleMs: 100_000, bakeMs: 100 } });
    // The agent's gate makes the first connection.
    const dies = `() => setTimeout(() => { console.error('out of luck'); process.exit(9); }, 500)`;
    const text = await app.refused({
      'server.js': `require('node:http').createServer().on('connection', ${dies}).listen(process.env.PORT);\n`,
    });
    assertSays(text, /web\.1 exited with status 9\./, /slipway logs -a blog -p web\.1/);
    assert.match(text, /remote: +out of luck/);
  });

  describe('within the time limit', () => {
    before(() => fleet.restartWith('agent', { gateTimeoutMs: 7_000 }));

    /** On a busy machine, the app may start too late to show what is wrong with it. */
    async function refusedWith(sign: RegExp, files: Readonly<Record<string, string>>): Promise<string> {
      let text = '';
      await eventually(`a push is refused with ${String(sign)}`, async () =>
        sign.test((text = await app.refused(files))),
      );
      return text;
    }

    it('names the port that it listens on instead', async () => {
      const text = await refusedWith(/port 3999/, listening('3999'));
      assertSays(
        text,
        /The app listens on port 3999, not on the port in PORT \(\d+\)/,
        /Read the port from the environment variable PORT/,
      );
    });

    it('says that it listens with UDP only', async () => {
      const text = await refusedWith(/UDP port/, {
        'server.js': "require('node:dgram').createSocket('udp4').bind(process.env.PORT);\n",
      });
      assertSays(text, /The app listens on UDP port \d+ only/, /listen with TCP on 0\.0\.0\.0 and the port in PORT/);
    });

    it('says that it never listened', async () => {
      const text = await refusedWith(/thinking/, {
        'server.js': 'setInterval(() => console.log("thinking"), 1000);\n',
      });
      assertSays(
        text,
        /The app runs but did not listen on its port \(PORT=\d+\) within \d+ s/,
        /listen on 0\.0\.0\.0 and the port in PORT/,
      );
      assert.match(text, /remote: +thinking/);
    });
  });
});
