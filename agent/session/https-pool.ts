import { Agent, request, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { credentialPath, readNodeTls } from './node-files.ts';

export interface PoolConfig {
  /** `https://host:port` of the controller. */
  readonly apiUrl: string;
  /** Holds key, certificate and CA. */
  readonly stateDir: string;
  /** A transfer fails after this time without data. */
  readonly idleTimeoutMs: number;
}

export interface HttpsCall {
  readonly method: 'GET' | 'HEAD' | 'PUT';
  readonly path: string;
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Readable | undefined;
}

const CONNECTIONS = 4;

/**
 * Keep-alive HTTPS with the present certificate. A renewed file means new connections. This is Node's own client, because another HTTP client
 * would cost every agent 24 MB of memory (docs/dependencies.md).
 */
export class HttpsPool {
  readonly #config: PoolConfig;
  #agent: Agent | undefined;
  #stamp = 0;

  constructor(config: PoolConfig) {
    this.#config = config;
  }

  /** @returns the head of the answer; its body is the stream @throws SLIP_CONTROLLER_UNREACHABLE without an answer */
  async call(call: HttpsCall): Promise<IncomingMessage> {
    try {
      return await this.#send(call, await this.#current());
    } catch (error) {
      call.body?.destroy();
      throw call.signal.aborted || error instanceof SlipwayError ? error : unreachable(this.#config.apiUrl, error);
    }
  }

  #send(call: HttpsCall, agent: Agent): Promise<IncomingMessage> {
    const timeout = this.#config.idleTimeoutMs; // as an option it also limits the time to connect
    const options: RequestOptions = {
      method: call.method,
      agent,
      headers: { ...call.headers },
      signal: call.signal,
      timeout,
    };
    return new Promise((resolve, reject) => {
      const outgoing = request(new URL(call.path, this.#config.apiUrl), options, (answer) => {
        answer.setTimeout(timeout, () => answer.destroy(silence()));
        resolve(answer);
      });
      outgoing.setTimeout(timeout, () => outgoing.destroy(silence()));
      outgoing.once('error', reject);
      if (call.body === undefined) outgoing.end();
      else pipeline(call.body, outgoing).catch(reject); // also when the controller answered early with an error; then the answer was taken before
    });
  }

  async #current(): Promise<Agent> {
    const { mtimeMs } = await stat(credentialPath(this.#config.stateDir)).catch(() => ({ mtimeMs: -1 }));
    if (this.#agent !== undefined && mtimeMs === this.#stamp) return this.#agent;
    const { key, certificate, ca } = await readNodeTls(this.#config.stateDir);
    // Transfers of the former agent finish. The controller closes its idle connections.
    this.#agent = new Agent({
      key,
      cert: certificate,
      ca,
      minVersion: 'TLSv1.2',
      keepAlive: true,
      maxSockets: CONNECTIONS,
    });
    this.#stamp = mtimeMs;
    return this.#agent;
  }

  close(): void {
    this.#agent?.destroy();
  }
}

function silence(): Error {
  return new Error('the connection was silent for too long');
}

function unreachable(apiUrl: string, cause: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CONTROLLER_UNREACHABLE',
    kind: 'transient',
    message: `The controller at ${new URL(apiUrl).host} cannot be reached.`,
    hint: 'Check that the controller runs and that no firewall is in between.',
    cause,
  });
}
