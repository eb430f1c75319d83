import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Digest, TaskId } from '../../shared/domain/ids.ts';
import { PAIR_BYTES_MAX } from '../../shared/kit/certificate-pair.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { CertificateTransport } from '../certificates/port.ts';
import type { ImageTransport } from '../images/port.ts';
import { parseErrorBody } from './error-body.ts';
import { HttpsPool } from './https-pool.ts';

export interface TransportConfig {
  /** `https://host:port` of the controller. */
  readonly apiUrl: string;
  /** Holds key, certificate and CA. */
  readonly stateDir: string;
  /** A transfer fails after this time without data. Default 30 s. */
  readonly idleTimeoutMs?: number | undefined;
}

export interface ControllerTransport extends ImageTransport, CertificateTransport {
  /** The source of a task of this node: gzip-compressed tar. @throws SLIP_TASK_SOURCE, transient errors */
  openSource(taskId: TaskId, signal: AbortSignal): Promise<NodeJS.ReadableStream>;
  /** The controller's install.sh. @throws SLIP_CONTROLLER_UNREACHABLE, SLIP_UPGRADE_SCRIPT */
  installScript(): Promise<string>;
  close(): Promise<void>;
}

const IDLE_TIMEOUT_MS = 30_000;
const SCRIPT_TIMEOUT_MS = 120_000;
const ERROR_BODY_CHARACTERS = 10_000;

/** Layers and sources over HTTPS with the node's certificate. Bulk data has its own connections, so it never delays the session. */
export function createImageTransport(config: TransportConfig): ControllerTransport {
  const pool = new HttpsPool({ ...config, idleTimeoutMs: config.idleTimeoutMs ?? IDLE_TIMEOUT_MS });
  return {
    download: (digest, offsetBytes, signal) => download(pool, { digest, offsetBytes, signal }),
    upload: (digest, path, signal) => upload(pool, { digest, path, signal }),
    installScript: () => installScript(pool),
    certificate: (wanted, signal) => certificate(pool, wanted, signal),
    openSource: async (taskId, signal) => {
      const answer = await pool.call({ method: 'GET', path: `/v1/tasks/${taskId}/source`, signal });
      if (answer.statusCode === 200) return answer;
      throw await failure(answer, 'SLIP_TASK_SOURCE');
    },
    close: () => {
      pool.close();
      return Promise.resolve();
    },
  };
}

async function download(
  pool: HttpsPool,
  { digest, offsetBytes, signal }: { digest: Digest; offsetBytes: number; signal: AbortSignal },
): Promise<NodeJS.ReadableStream> {
  const headers = offsetBytes > 0 ? { range: `bytes=${String(offsetBytes)}-` } : {};
  const answer = await pool.call({ method: 'GET', path: `/v1/images/${digest}`, signal, headers });
  if (answer.statusCode === 206 || (answer.statusCode === 200 && offsetBytes === 0)) return answer;
  // A server that ignores the range sends the whole layer, so the known bytes are skipped.
  if (answer.statusCode === 200) return Readable.from(skip(answer, offsetBytes), { objectMode: false });
  if (answer.statusCode === 416) {
    answer.resume();
    return Readable.from([]); // nothing beyond the offset; the digest tells whether that is right
  }
  throw await failure(answer, answer.statusCode === 404 ? 'SLIP_IMAGE_NOT_FOUND' : 'SLIP_IMAGE_TRANSFER');
}

async function certificate(
  pool: HttpsPool,
  { id, fingerprint }: { readonly id: string; readonly fingerprint: string },
  signal: AbortSignal,
): Promise<string> {
  const answer = await pool.call({ method: 'GET', path: `/v1/certificates/${id}/${fingerprint}`, signal });
  if (answer.statusCode !== 200) throw await failure(answer, 'SLIP_CERT_FETCH');
  const chunks: Buffer[] = [];
  let bytes = 0;
  // A body without an encoding gives buffers, but its type also allows texts.
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > PAIR_BYTES_MAX) break; // also ends the connection; the check of the text says that it is too long
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

async function upload(
  pool: HttpsPool,
  { digest, path, signal }: { digest: Digest; path: string; signal: AbortSignal },
): Promise<number> {
  const known = await pool.call({ method: 'HEAD', path: `/v1/images/${digest}`, signal });
  known.resume();
  if (known.statusCode === 200) return 0;
  const { size } = await stat(path);
  const headers = { 'content-type': 'application/octet-stream', 'content-length': String(size) };
  const answer = await pool.call({
    method: 'PUT',
    path: `/v1/images/${digest}`,
    signal,
    headers,
    body: createReadStream(path),
  });
  if (statusOf(answer) < 200 || statusOf(answer) >= 300) throw await failure(answer, 'SLIP_IMAGE_TRANSFER');
  answer.resume();
  return size;
}

async function* skip(body: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const chunk of body) {
    if (chunk.length > left) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

function statusOf(answer: IncomingMessage): number {
  return answer.statusCode ?? 0;
}

async function failure(answer: IncomingMessage, fallback: string): Promise<SlipwayError> {
  const body = await text(answer).catch(() => '');
  const known = parseErrorBody(body.slice(0, ERROR_BODY_CHARACTERS));
  const httpStatus = statusOf(answer);
  // A request that the controller refuses fails again. Its own failures may pass.
  const kind = httpStatus >= 500 || httpStatus === 429 ? 'transient' : 'user';
  if (known !== undefined) return new SlipwayError({ ...known, kind, httpStatus });
  return new SlipwayError({
    code: fallback,
    kind,
    message: `The controller answered with HTTP ${String(httpStatus)}.`,
    httpStatus,
  });
}

/** The pool talks only to the controller of this fleet, so its script may be run. */
async function installScript(pool: HttpsPool): Promise<string> {
  const answer = await pool.call({
    method: 'GET',
    path: '/install.sh',
    signal: AbortSignal.timeout(SCRIPT_TIMEOUT_MS),
  });
  const script = await text(answer);
  if (answer.statusCode === 200) return script;
  throw new SlipwayError({
    code: 'SLIP_UPGRADE_SCRIPT',
    kind: 'transient',
    message: `The controller did not send its install.sh (HTTP ${String(answer.statusCode ?? 0)}).`,
    hint: 'See the log of the controller. Then try again with: slipway nodes:upgrade',
  });
}
