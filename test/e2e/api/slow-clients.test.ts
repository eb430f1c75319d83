import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { eventually } from '../../support/eventually.ts';
import { openApi, type ApiFixture, type Caller } from '../../support/api-fixture.ts';
import { untilSent } from '../../support/until-sent.ts';

const BODY_TIMEOUT_MS = 300;

const CONNECTION_LIMITS = { maxWaiting: 40, maxWaitingPerAddress: 10, graceMs: 3_000 };

describe('clients that take their time, or shout', () => {
  let fixture: ApiFixture;
  let caller: Caller;
  before(async () => {
    fixture = await openApi();
    ({ caller } = await fixture.addCaller('ada'));
  });
  after(() => fixture.close());

  const at = ({ url } = fixture): { host: string; port: number } => ({
    host: '127.0.0.1',
    port: Number(new URL(url).port),
  });
  const open = async (api = fixture): Promise<TLSSocket> => {
    const socket = connect({ ...at(api), rejectUnauthorized: false });
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    return socket;
  };
  const head = (length: number, more = '', { token } = caller): string =>
    `POST /v1/apps HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token!}\r\nContent-Type: application/json\r\nContent-Length: ${String(length)}\r\n${more}\r\n`;

  const answerTo = async (socket: TLSSocket): Promise<string> => {
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve)); // with a reset or without
    return text;
  };

  it('a body that comes a byte at a time is hung up on, also when bytes keep coming', async (t) => {
    const strict = await openApi({}, { bodyTimeoutMs: BODY_TIMEOUT_MS });
    t.after(() => strict.close());
    const { caller: ada } = await strict.addCaller('ada');
    const socket = await open(strict);
    socket.write(head(1_000, '', ada));
    const drip = setInterval(() => socket.write(' '), 20);
    t.after(() => clearInterval(drip));
    assert.equal(await answerTo(socket), '');
    assert.equal((await strict.call(ada, 'GET', '/v1/whoami')).statusCode, 200);
  });

  it('a body that is announced too large, headers without end and a request in the clear get a word or nothing, and no memory', async () => {
    const large = await open();
    large.write(head(100 * 1024 * 1024, 'Connection: close\r\n'));
    assert.match(await answerTo(large), /^HTTP\/1\.1 413/);
    const headers = await open();
    headers.write(`GET /v1/whoami HTTP/1.1\r\nHost: x\r\n${'X-Flood: 1234567890\r\n'.repeat(2_000)}`);
    assert.match(await answerTo(headers), /^HTTP\/1\.1 431/);
    const plain = connectTcp(at()).on('error', () => undefined);
    plain.end('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    plain.resume();
    await once(plain, 'close');
    assert.equal((await fixture.call(caller, 'GET', '/v1/whoami')).statusCode, 200);
  });

  it('connections that never ask, in TLS and before it, make room for a client that does, and are hung up on', async (t) => {
    const strict = await openApi({}, { connectionLimits: CONNECTION_LIMITS });
    t.after(() => strict.close());
    const { caller: ada } = await strict.addCaller('ada');
    const strangers = Array.from({ length: 120 }, (_, index) => {
      const localAddress = index % 2 === 0 ? '127.0.0.1' : `127.2.${String(index)}.9`;
      const socket = connectTcp({ ...at(strict), localAddress })
        .on('error', () => undefined)
        .resume();
      if (index % 3 === 0) socket.write(Buffer.from([22, 3, 1, 2, 0, 1])); // the begin of a handshake
      return socket;
    });
    await eventually(
      'the limit of all',
      () => strangers.filter((socket) => !socket.closed).length <= CONNECTION_LIMITS.maxWaiting,
    );
    assert.equal((await untilSent(() => strict.call(ada, 'GET', '/v1/whoami'))).statusCode, 200);
    await eventually('the end of all', () => strangers.every((socket) => socket.closed));
    const idle = connect({ ...at(strict), rejectUnauthorized: false }).on('error', () => undefined);
    await answerTo(idle); // nothing was asked: hung up on
  });

  it('JSON that means to be an object of the program is data or refused', async () => {
    for (const body of [
      '{"__proto__":{"admin":true},"name":"abc"}',
      '{"constructor":{"prototype":{"x":1}}}',
      `${'['.repeat(30_000)}${']'.repeat(30_000)}`,
    ]) {
      const answer = await fixture.call(caller, 'POST', '/v1/apps', {
        body,
        headers: { 'content-type': 'application/json' },
      });
      assert.ok([400, 413, 422].includes(answer.statusCode), `${String(answer.statusCode)} for ${body.slice(0, 40)}`);
      assert.doesNotMatch(await answer.body.text(), /\bat .*\.[jt]s:\d+/);
    }
    assert.equal(({} as { admin?: boolean }).admin, undefined);
  });
});
