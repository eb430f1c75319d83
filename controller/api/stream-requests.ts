import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { ATTACH_PROTOCOL } from '../../shared/api/attach.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { ConnectionOfRequest } from './route.ts';

/** True for a request that wants a stream of bytes. Node answers others as usual. */
export function isStreamRequest(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === ATTACH_PROTOCOL;
}

/** The API, the stream and its two pipelines all want to know of the end of the connection: more than the 10 after which Node warns. */
const MAX_LISTENERS = 30;

/** A request whose connection can become a stream. */
interface Waiting {
  readonly socket: TLSSocket;
  /** Bytes that came with the request. */
  readonly head: Buffer;
}

/**
 * Requests with the header Upgrade. They pass the same router and hooks as every other request, so the same rules admit them. A refusal is an
 * ordinary answer.
 */
export class StreamRequests {
  readonly #waiting = new WeakMap<IncomingMessage, Waiting>();

  listen(server: FastifyInstance): void {
    server.server.on('upgrade', (request: IncomingMessage, socket: TLSSocket, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      const response = new ServerResponse(request);
      response.assignSocket(socket);
      response.shouldKeepAlive = false;
      // The client of a refused request cannot hold the connection: nothing reads from it any more.
      response.once('finish', () => socket.destroySoon());
      this.#waiting.set(request, { socket, head });
      server.routing(request, response);
    });
  }

  connectionOf({ raw }: { readonly raw: IncomingMessage }, reply: FastifyReply): ConnectionOfRequest {
    const waiting = this.#waiting.get(raw);
    return {
      require: () => {
        if (waiting === undefined) throw upgradeRequired();
      },
      accept: () => {
        if (waiting === undefined) throw upgradeRequired();
        return accept(waiting, reply);
      },
    };
  }
}

function accept({ socket, head }: Waiting, reply: FastifyReply): Duplex {
  reply.hijack();
  reply.raw.detachSocket(socket);
  socket.setMaxListeners(MAX_LISTENERS);
  socket.once('close', () => reply.raw.emit('close'));
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${ATTACH_PROTOCOL}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
  return socket;
}

function upgradeRequired(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_UPGRADE_REQUIRED',
    httpStatus: 426,
    message: `This address needs a connection that changes to the protocol ${ATTACH_PROTOCOL}.`,
    hint: 'Use the command: slipway ps:exec',
  });
}
