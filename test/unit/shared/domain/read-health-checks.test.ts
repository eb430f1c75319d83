import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { checkLabel, checkSubject, healthChecks, longestMs } from '../../../../shared/domain/health-check.ts';
import { checkSize, readHealthCheck, readHealthChecks } from '../../../../shared/domain/read-health-checks.ts';

const refuse = (what: string): Error => new Error(what);
const read = (value: unknown): ReturnType<typeof readHealthChecks> => readHealthChecks(value, refuse);
const TIMING = { name: undefined, initialDelayMs: 0, timeoutMs: 5_000, attempts: 3, waitMs: 5_000 };

describe('the health checks of app.json', () => {
  it("are read in Dokku's format, with its defaults", () => {
    const headers = [{ name: 'X-Check', value: 'yes' }];
    const { checks, warnings } = read({
      web: [
        { path: '/up', type: 'readiness', content: 'ok', httpHeaders: headers, timeout: 2, attempts: 5, wait: 1 },
        { listening: true, port: 9000, initialDelay: 10, name: 'port' },
        { uptime: 20 },
      ],
      worker: [],
    });
    assert.deepEqual(checks, {
      web: [
        {
          ...TIMING,
          ...{ type: 'readiness', probe: 'http', path: '/up', port: undefined, content: 'ok' },
          ...{ headers: { 'X-Check': 'yes' }, timeoutMs: 2_000, attempts: 5, waitMs: 1_000 },
        },
        { ...TIMING, type: 'startup', name: 'port', probe: 'tcp', port: 9000, initialDelayMs: 10_000 },
        { ...TIMING, type: 'startup', probe: 'uptime', uptimeMs: 20_000 },
      ],
    });
    assert.deepEqual(warnings, []);
    const stored: unknown = JSON.parse(JSON.stringify(checks));
    assert.deepEqual(healthChecks.parse(stored), stored, 'they survive the database');
  });

  it('that only warn are left out, and the author is told', () => {
    const { checks, warnings } = read({
      web: [
        { path: '/up', warn: true },
        { path: '/', onFailure: { url: 'x' } },
      ],
    });
    assert.equal(checks['web']?.length, 1);
    assert.match(warnings.join('\n'), /"healthchecks\.web\.0" has "warn": true[^]*"healthchecks\.web\.1\.onFailure"/);
  });

  const bad: readonly [string, unknown, RegExp][] = [
    ['no object', [], /^"healthchecks" must be an object/],
    ['no list', { web: {} }, /^"healthchecks\.web" must be a list/],
    ['a wrong process type', { 'w eb': [] }, /is not the name of a process type/],
    ['too many checks', { web: Array(11).fill({ path: '/' }) }, /more than 10 checks/],
    ['an unknown type', { web: [{ type: 'ready' }] }, /"healthchecks\.web\.0\.type" must be startup, readiness or/],
    ['a path without a slash', { web: [{ path: 'up' }] }, /path" must start with \//],
    ['a path with a line end', { web: [{ path: '/up\r\nHost: x' }] }, /path" must start with \//],
    ['a timeout above the limit', { web: [{ timeout: 301 }] }, /timeout" must be a whole number from 1 to 300/],
    ['no attempt', { web: [{ attempts: 0 }] }, /attempts" must be a whole number from 1 to 100/],
    ['a port that is no number', { web: [{ port: '80' }] }, /port" must be a whole number/],
    ['https', { web: [{ scheme: 'https' }] }, /scheme" must be "http"/],
    ['a command that is no list', { web: [{ command: 'true' }] }, /command" must be a list of a program and its/],
    ['a command with a line end', { web: [{ command: ['echo', 'a\nb'] }] }, /command" must be a list/],
    ['a long command', { web: [{ command: ['echo', 'x'.repeat(4096)] }] }, /command" must be a list/],
    ['two probes', { web: [{ path: '/', listening: true }] }, /has path and listening; a check has only one/],
    ['an uptime that is no startup check', { web: [{ type: 'liveness', uptime: 3 }] }, /"startup" only/],
    ['a header of the agent', { web: [{ httpHeaders: [{ name: 'Content-Length', value: '1' }] }] }, /may not be/],
    ['a header with a line end', { web: [{ httpHeaders: [{ name: 'A', value: 'b\r\nC: d' }] }] }, /must be one line/],
    ['a header that HTTP cannot send', { web: [{ httpHeaders: [{ name: 'A', value: '5 €' }] }] }, /Latin-1/],
    ['a header for a trailer', { web: [{ httpHeaders: [{ name: 'Trailer', value: 'X' }] }] }, /may not be Trailer/],
    ['too many headers', { web: [{ httpHeaders: Array(21).fill({ name: 'A', value: 'b' }) }] }, /more than 20 headers/],
    ['a long text', { web: [{ content: 'x'.repeat(1025) }] }, /content" must be a text of at most 1024 bytes/],
    ['a worker without a port', { worker: [{ path: '/up' }] }, /"healthchecks\.worker\.0" needs a port/],
    ['a start that takes too long', { web: [{ attempts: 100, timeout: 300 }] }, /can take longer than 15 minutes/],
  ];
  for (const [name, value, message] of bad) {
    it(`are refused: ${name}`, () => {
      assert.throws(() => read(value), { message });
    });
  }

  it('are refused when they are too large together', () => {
    const long = (): unknown => ({ path: `/${'x'.repeat(1000)}`, content: 'y'.repeat(1000) });
    const types = Array.from({ length: 40 }, (_, at) => [`t${String(at)}`, [{ ...(long() as object), port: 80 }]]);
    assert.throws(() => read(Object.fromEntries(types)), { message: /has \d+ bytes; the limit is 65536/ });
  });

  it('never throw anything but a refusal, whatever the file has', () => {
    const marked = (what: string): Error => Object.assign(new Error(what), { refused: true });
    const anyCheck = fc.record(
      {
        type: fc.anything(),
        path: fc.anything(),
        port: fc.anything(),
        timeout: fc.anything(),
        httpHeaders: fc.anything(),
      },
      { requiredKeys: [] },
    );
    const anyValue = fc.oneof(fc.anything(), fc.dictionary(fc.string(), fc.array(anyCheck, { maxLength: 3 })));
    fc.assert(
      fc.property(anyValue, (value) => {
        try {
          checkSize(readHealthChecks(value, marked).checks, marked);
        } catch (error) {
          assert.ok((error as { refused?: boolean }).refused, String(error));
        }
      }),
    );
  });
});

describe('a health check in words', () => {
  it('says what it asks and how long it can take', () => {
    const check = readHealthCheck(
      'web',
      { type: 'liveness', path: '/up', port: 8080, wait: 10 },
      { path: 'x', refuse },
    );
    assert.equal(checkLabel(check), 'liveness check /up on port 8080');
    assert.equal(checkSubject(check), 'GET /up on port 8080');
    assert.equal(longestMs(check), 3 * 5_000 + 2 * 10_000);
    const port = readHealthCheck('web', { listening: true, name: 'db' }, { path: 'x', refuse });
    assert.deepEqual([checkLabel(port), checkSubject(port)], ['startup check db', 'TCP on PORT']);
    const command = readHealthCheck('worker', { command: ['bin/check', '-q'] }, { path: 'x', refuse });
    assert.equal(checkLabel(command), 'startup check `bin/check -q`');
  });
});
