import assert from 'node:assert/strict';
import { it } from 'node:test';
import { checkOf } from '../../../../cli/checks/check-of.ts';
import { readHealthCheck } from '../../../../shared/domain/read-health-checks.ts';

const refused = (flags: Parameters<typeof checkOf>[0], message: RegExp): void => {
  assert.throws(() => checkOf(flags), { code: 'SLIP_CLI_USAGE', message });
};

it('makes a check of each kind, in the format of app.json', () => {
  const cases = [
    [
      { path: '/up', attempts: '2' },
      { type: 'readiness', path: '/up', attempts: 2 },
    ],
    [{}, { type: 'readiness', path: '/' }],
    [
      { tcp: true, port: '9000', type: 'liveness' },
      { type: 'liveness', listening: true, port: 9000 },
    ],
    [
      { command: 'test -f /app/ok', timeout: '3' },
      { type: 'readiness', command: ['test', '-f', '/app/ok'], timeout: 3 },
    ],
    [{ uptime: '10' }, { type: 'startup', uptime: 10 }],
    [
      { header: 'Host: shop.example' },
      { type: 'readiness', path: '/', httpHeaders: [{ name: 'Host', value: 'shop.example' }] },
    ],
  ] as const;
  for (const [flags, check] of cases) {
    assert.deepEqual(checkOf(flags), check);
    readHealthCheck('web', checkOf(flags), { path: 'check', refuse: (what) => new Error(what) });
  }
});

it('refuses flags that belong to another kind of check, and values out of bounds', () => {
  refused({ tcp: true, command: 'true' }, /--tcp and --command are two kinds of checks/);
  refused({ tcp: true, path: '/up' }, /--tcp takes no --path/);
  refused({ command: 'true', port: '80' }, /--command takes no --port/);
  refused({ uptime: '10', header: 'A: b' }, /--uptime takes no --header/);
  refused({ uptime: '0' }, /--uptime must be a whole number from 1 to 300/);
  refused({ attempts: '1000' }, /--attempts must be a whole number from 1 to 100/);
  refused({ header: 'no colon' }, /--header must be a name, a colon and a value/);
});
