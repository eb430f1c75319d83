import { request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { ATTACH_PROTOCOL } from '../shared/api/attach.ts';
import type { CliSettings } from './settings.ts';
import { explain, failureOf } from './transport.ts';

const CONNECT_TIMEOUT_MS = 60_000;

/** A connection to the controller that carries bytes in both directions. It trusts only the CA of the fleet. @throws the refusal */
export function openStream({ url, token, caPem }: CliSettings, path: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const asked = request(new URL(path, url), {
      ca: caPem,
      agent: false,
      timeout: CONNECT_TIMEOUT_MS,
      headers: { authorization: `Bearer ${token}`, connection: 'Upgrade', upgrade: ATTACH_PROTOCOL },
    });
    asked.once('upgrade', (_answer, socket, head) => {
      socket.setTimeout(0);
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    asked.once('response', (answer) => {
      readText(answer).then(
        (text) => reject(failureOf(answer.statusCode ?? 0, text)),
        (error: unknown) => reject(explain(error, url)),
      );
    });
    asked.once('timeout', () =>
      asked.destroy(Object.assign(new Error('timeout'), { code: 'UND_ERR_CONNECT_TIMEOUT' })),
    );
    asked.once('error', (error) => reject(explain(error, url)));
    asked.end();
  });
}

async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString('utf8');
}
