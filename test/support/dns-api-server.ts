import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export const API_TOKEN = 'planted-token-of-a-test';

export interface ApiCall {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly body: unknown;
}

type Answer = (call: ApiCall) => { readonly status?: number; readonly json: unknown };

/** A stand-in for the API of a DNS provider. It refuses requests without the token. */
export async function startDnsApi(
  t: TestContext,
  answer: Answer,
): Promise<{ readonly baseUrl: string; readonly calls: readonly ApiCall[] }> {
  const calls: ApiCall[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      // A request without an encoding gives buffers, but its type says `any`.
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      const body: unknown = text === '' ? undefined : JSON.parse(text);
      const call = { method: request.method ?? '', path: request.url ?? '', body };
      calls.push(call);
      const isKnown = request.headers.authorization === `Bearer ${API_TOKEN}`;
      const { status = 200, json } = isKnown ? answer(call) : { status: 401, json: { message: 'unauthorized' } };
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
    })();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { baseUrl: `http://127.0.0.1:${String(port)}`, calls };
}
