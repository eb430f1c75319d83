import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { CHUNK_PAUSE_MS, slowChunks } from './deploy-load-chunks.ts';

// The app that `bench/deploy-load.ts` pushes. Each deploy changes this number.
const CODE = 1;

const TEXT_FRAME = 0x81;
const CLOSE = 0x8;
const { HEROKU_RELEASE_VERSION: release = '', DYNO: dyno = '', STEP: step = '0' } = process.env;
const body = `release=${release} code=${String(CODE)} step=${step}\n`;

/** `/slow?SEED`: 20 s. */
function answerSlowly(seed: string, response: ServerResponse): void {
  const chunks = slowChunks(seed).values();
  const timer = setInterval(() => {
    const next = chunks.next();
    if (next.done === true) response.end();
    else response.write(next.value);
  }, CHUNK_PAUSE_MS);
  response.on('close', () => clearInterval(timer));
}

/** Answers each text of a websocket with release, instance and the same text. The frames of the bench have less than 126 bytes. */
function echo(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const key = `${request.headers['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${createHash('sha1').update(key).digest('base64')}`,
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  let received = head;
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 6) {
      const end = 6 + (received.readUInt8(1) & 0x7f);
      if (received.length < end) return;
      if ((received.readUInt8(0) & 0xf) === CLOSE) socket.end();
      else socket.write(frameOf(`${release} ${dyno} ${unmasked(received.subarray(2, end))}`));
      received = received.subarray(end);
    }
  });
}

/** @param masked the mask of 4 bytes, and then the text */
function unmasked(masked: Buffer): string {
  const bytes = masked.subarray(4).map((byte, index) => byte ^ masked.readUInt8(index % 4));
  return Buffer.from(bytes).toString('latin1');
}

function frameOf(text: string): Buffer {
  return Buffer.concat([Buffer.from([TEXT_FRAME, text.length]), Buffer.from(text, 'latin1')]);
}

createServer((request, response) => {
  const [path, seed] = (request.url ?? '').split('?');
  if (path === '/slow') answerSlowly(seed ?? '', response);
  else response.end(body);
})
  .on('upgrade', echo)
  .listen(process.env['PORT']);
// It does not wait for open requests: these must have ended before.
process.on('SIGTERM', () => process.exit(0));
