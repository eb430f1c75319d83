import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseAccessLine, parseRouterLine } from '../../../../agent/proxy/router-line.ts';

interface Parts {
  instance?: string;
  state?: string;
  status?: number;
  times?: string;
  xff?: string;
  path?: string;
  app?: string;
}

function line(parts: Parts = {}): string {
  const {
    instance = 'web.1/abc',
    state = '----',
    status = 200,
    times = '0 0 1 18 19',
    xff = '-',
    path = '/x?y=1',
    app = 'shop/app00001',
  } = parts;
  return `slip1 ${app} ${instance} ${state} ${String(status)} 975 ${times} http 0461262e-d7e8-47fa 1.2.3.4 GET shop.test ${encodeURIComponent(xff)} "${path}"`;
}

const message = (parts: Parts): string => parseRouterLine(line(parts))?.message ?? '';

describe('router line', () => {
  test('a request for an app in maintenance has the code H80', () => {
    const page = { app: 'shop/app00001/H80', instance: '-', state: 'LR--', status: 503, times: '0 -1 -1 -1 0' };
    assert.match(message(page), /^at=error code=H80 desc="Maintenance mode" .* dyno= connect= service= status=503 /);
    assert.equal(parseRouterLine(line(page))?.appId, 'app00001');
    assert.match(message({ app: 'shop/app00001/page_default' }), /^at=info /);
  });

  test('a successful request has the format of Heroku', () => {
    assert.deepEqual(parseRouterLine(line()), {
      app: 'shop',
      appId: 'app00001',
      instanceName: 'web.1',
      instanceId: 'abc',
      message:
        'at=info method=GET path="/x?y=1" host=shop.test request_id=0461262e-d7e8-47fa fwd="1.2.3.4" dyno=web.1 connect=1ms service=18ms status=200 bytes=975 protocol=http',
    });
  });

  test('a request over HTTP/2 has the same path as one over HTTP/1.1', () => {
    for (const [target, path] of [
      ['https://shop.test/x?y=1', '/x?y=1'],
      ['http://shop.test:8080//x', '//x'],
      ['https://shop.test?x', '?x'],
      ['https://shop.test', '/'],
      ['/https://x/', '/https://x/'],
    ] as const)
      assert.ok(message({ path: target }).includes(` path="${path}" `), target);
  });

  test('each kind of failure has its code', () => {
    const cases: [Parts, RegExp][] = [
      [
        { state: 'SC--', status: 503, times: '0 0 -1 -1 3005' },
        /^at=error code=H21 desc="Backend connection refused" .* connect= service= status=503/,
      ],
      [{ state: 'sC--', status: 503, times: '0 0 -1 -1 5000' }, /code=H19 /],
      [
        { state: 'sH--', status: 504, times: '0 0 1 -1 30002' },
        /code=H12 desc="Request timeout" .* service=30001ms status=503/,
      ],
      [
        { state: 'SH--', status: 502, times: '0 0 1 -1 20' },
        /code=H13 desc="Connection closed without response" .* status=503/,
      ],
      [{ state: 'PH--', status: 502 }, /code=H17 /],
      [{ state: 'SD--' }, /code=H18 desc="Server Request Interrupted" .* sock=backend .* status=503/],
      [{ state: 'sD--' }, /code=H15 /],
      [{ state: 'CD--' }, /code=H27 desc="Client Request Interrupted" .* status=499/],
      [{ state: 'cR--', status: 408 }, /code=H28 .* status=408/],
      [{ state: 'PR--', status: 400 }, /code=H26 .* status=400/],
      [{ state: 'KD--' }, /code=H24 /],
      [
        { state: 'LR--', status: 503, instance: '-', times: '0 -1 -1 -1 0' },
        /code=H14 desc="No web processes running" .* dyno= connect= service= status=503/,
      ],
    ];
    for (const [parts, expected] of cases) assert.match(message(parts), expected);
  });

  test("an app's own 500 and a websocket that was hung up are no errors of the router", () => {
    assert.match(message({ status: 500 }), /^at=info .* status=500/);
    assert.match(message({ state: 'CD--', status: 101 }), /^at=info .* status=101/);
  });

  test('what a client sends cannot forge a field or a line', () => {
    const forged = message({ path: '/#22 status=200#0Aat=info#1B[31m', xff: '6.6.6.6" x="#' });
    assert.match(forged, /path="\/\\" status=200\\x0aat=info\\x1b\[31m"/);
    assert.match(forged, /fwd="6\.6\.6\.6\\" x=\\"#, 1\.2\.3\.4"/);
    assert.equal(forged.includes('\n'), false);
  });

  test('a line cut at its end, and times of unfinished requests, are understood', () => {
    assert.equal(parseAccessLine(line().slice(0, -1))?.path, '/x?y=1');
    assert.equal(parseAccessLine(line({ times: '0 0 1 18 +19' }))?.totalMs, 19);
  });

  test('other lines of the log, and requests for no app, are skipped', () => {
    assert.equal(parseRouterLine('[NOTICE] (12) : New worker forked'), undefined);
    assert.equal(parseRouterLine(line({ app: '-', instance: '-', state: 'LR--', status: 404 })), undefined);
  });
});
