import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NO_APP_MARK, unreadableCause } from '../../../../agent/proxy/unreadable-request.ts';

/** As HAProxy 2.6 writes them. */
const UNPARSED = 'slip1 - - PR-- 400 0 -1 -1 -1 -1 0 - - 127.0.0.1 <BADREQ> - - "<BADREQ>"';
const BAD_HOST = 'slip1 - - PR-- 400 501 0 -1 -1 -1 0 - - 127.0.0.1 GET - - "/?token=secret"';
const HUNG_UP = 'slip1 - - CR-- 400 0 -1 -1 -1 -1 0 - - 127.0.0.1 <BADREQ> - - "<BADREQ>"';
const TOO_SLOW = 'slip1 - - cR-- 408 0 -1 -1 -1 -1 1500 - - 127.0.0.1 <BADREQ> - - "<BADREQ>"';
const NO_SUCH_HOST = 'slip1 - - LR-- 404 336 0 -1 -1 -1 0 http 9b9248e5-8fe8 127.0.0.1 GET nobody.test - "/z"';
const CONNECT = 'slip1 - - PR-- 405 255 0 -1 -1 -1 0 - - 127.0.0.1 CONNECT - - "a.test:443"';
const OF_AN_APP = 'slip1 shop web.1/abc PR-- 400 0 0 0 1 18 19 http 0461262e 1.2.3.4 POST shop.test - "/"';

describe('requests that the proxy could not read', () => {
  test('have the termination state and a sentence, and nothing of what the client sent', () => {
    assert.deepEqual([UNPARSED, BAD_HOST, HUNG_UP, TOO_SLOW].map(unreadableCause), [
      'PR--: the request is not valid HTTP, or its headers are too large',
      'PR--: the Host header is missing or is not one host name',
      'CR--: the client closed the connection before its request was complete',
      'cR--: the request was not complete in time',
    ]);
  });

  test('contain the mark by which their lines are found', () => {
    for (const line of [UNPARSED, BAD_HOST, HUNG_UP, TOO_SLOW]) assert.ok(line.includes(NO_APP_MARK));
  });

  test('are not those of a known app, of an unknown host or of a method that is refused, nor other lines', () => {
    for (const line of [NO_SUCH_HOST, CONNECT, OF_AN_APP, '[NOTICE] (12) : New worker forked', ''])
      assert.equal(unreadableCause(line), undefined);
  });
});
