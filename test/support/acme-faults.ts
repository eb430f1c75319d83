import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Pebble } from './pebble.ts';

/** What happens to a request instead of the right answer. */
export type Fault =
  /** The CA does not get the request. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body?: object;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** The CA gets the request, and its answer is lost. */
  | { readonly kind: 'drop' }
  /** The answer has this status of an order. */
  | { readonly kind: 'status'; readonly status: string };

/** A server in front of pebble that fails as a test says. */
export interface AcmeFaults {
  readonly directoryUrl: string;
  /** `POST /order-plz`, in order. */
  readonly requests: readonly string[];
  /** The next requests whose path matches have this fault. */
  inject(path: RegExp, fault: Fault, times?: number): void;
  close(): Promise<void>;
}

interface Planned {
  readonly path: RegExp;
  readonly fault: Fault;
  left: number;
}

export async function startFaults(pebble: Pebble): Promise<AcmeFaults> {
  const requests: string[] = [];
  const planned: Planned[] = [];
  const target = new URL(pebble.directoryUrl);
  const server = createServer(pebble.credential, (asked, answer) => {
    const path = asked.url ?? '';
    requests.push(`${asked.method ?? ''} ${path}`);
    const plan = planned.find(({ path: wanted, left }) => left > 0 && wanted.test(path));
    if (plan !== undefined) plan.left -= 1;
    void serve({ asked, answer, fault: plan?.fault, port: target.port, ca: pebble.trustedCaPem }).catch(() => {
      answer.destroy();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    directoryUrl: `https://127.0.0.1:${String((server.address() as AddressInfo).port)}/dir`,
    requests,
    inject: (path, fault, times = 1) => void planned.push({ path, fault, left: times }),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function serve({
  asked,
  answer,
  fault,
  port,
  ca,
}: {
  readonly asked: IncomingMessage;
  readonly answer: ServerResponse;
  readonly fault: Fault | undefined;
  readonly port: string;
  readonly ca: string;
}): Promise<void> {
  const body = await buffer(asked);
  if (fault?.kind === 'answer') {
    answer.writeHead(fault.status, { 'content-type': 'application/problem+json', ...fault.headers });
    answer.end(JSON.stringify(fault.body ?? {}));
    return;
  }
  const { url: path, method, headers } = asked;
  const forwarded = request({ host: '127.0.0.1', port, path, method, headers, ca, agent: false });
  forwarded.end(body);
  const [real] = (await once(forwarded, 'response')) as [IncomingMessage];
  const text = await buffer(real);
  if (fault?.kind === 'drop') {
    answer.destroy();
    return;
  }
  const { 'content-length': _, ...kept } = real.headers;
  answer.writeHead(real.statusCode ?? 0, kept);
  answer.end(fault === undefined ? text : JSON.stringify({ ...readObject(text), status: fault.status }));
}

function readObject(text: Buffer): object {
  return JSON.parse(text.toString('utf8')) as object;
}
