import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { HealthCheck } from '../../shared/domain/health-check.ts';
import { isErrno } from '../../shared/kit/errors.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { askCommand, type OpenStream } from './command-probe.ts';
import type { ProbeAnswer, ProbeTarget, RunProbe } from './port.ts';

/** So much of an answer is read. Its rest is not needed, because the expected text is short. */
const BODY_BYTES_MAX = 64 * 1024;
const HEADER_BYTES_MAX = 16 * 1024;
/** Answers with a status from 100 to 199 before the real one. Without a limit, a hostile app could send them until the time limit. */
const INTERIM_ANSWERS_MAX = 10;

/** @param open for commands */
export function createProbe(clock: Clock, open: OpenStream): RunProbe {
  return async (check, target, signal) => {
    if (check.probe === 'uptime') return { passed: true, answer: 'it kept running' };
    const end = new AbortController();
    const late = clock.sleep(check.timeoutMs, AbortSignal.any([end.signal, signal])).then(
      () => lateAnswer(check),
      () => cancelled(),
    );
    try {
      const asked =
        check.probe === 'command'
          ? askCommand({ instanceId: target.instanceId, words: check.command }, end.signal, { open, clock })
          : askPort(check, target, end.signal);
      return await Promise.race([asked.catch(notAsked), late]);
    } finally {
      end.abort();
    }
  };
}

type PortCheck = Extract<HealthCheck, { readonly probe: 'http' | 'tcp' }>;
type HttpCheck = Extract<HealthCheck, { readonly probe: 'http' }>;

interface Address {
  readonly address: string;
  readonly port: number;
}

function askPort(check: PortCheck, { address, port: own }: ProbeTarget, signal: AbortSignal): Promise<ProbeAnswer> {
  const port = check.port ?? own;
  if (port === undefined) return Promise.resolve({ passed: false, answer: 'it has no port' });
  return check.probe === 'tcp' ? askTcp({ address, port }, signal) : askHttp(check, { address, port }, signal);
}

function lateAnswer({ timeoutMs }: HealthCheck): ProbeAnswer {
  return { passed: false, answer: `it did not answer within ${String(timeoutMs / 1000)} s` };
}

/** Node refuses to send such a request, for example because of a header. */
function notAsked(): ProbeAnswer {
  return { passed: false, answer: 'its path or a header cannot be sent' };
}

function cancelled(): ProbeAnswer {
  return { passed: false, answer: 'the check was cancelled' };
}

function askTcp({ address, port }: Address, signal: AbortSignal): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, signal });
    socket.once('connect', () => {
      resolve({ passed: true, answer: 'it accepts connections' });
      socket.destroy();
    });
    socket.once('error', (error) => {
      resolve(unreachable(error));
    });
  });
}

/** One request. It follows no redirect, as in Kubernetes: 200 to 399 pass. */
function askHttp(check: HttpCheck, { address, port }: Address, signal: AbortSignal): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const headers = { 'user-agent': 'slipway-health-check', accept: '*/*', ...lowerCased(check.headers) };
    const asked = request({
      ...{ host: address, port, path: check.path, headers, signal, agent: false },
      ...{ maxHeaderSize: HEADER_BYTES_MAX, method: 'GET' },
    });
    asked.once('response', (response) => {
      void judge(check, response).then((answer) => {
        resolve(answer);
        asked.destroy();
      });
    });
    let interim = 0;
    asked.on('information', ({ statusCode }) => {
      interim += 1;
      if (interim <= INTERIM_ANSWERS_MAX) return;
      resolve({ passed: false, answer: `it answered ${String(statusCode)} again and again` });
      asked.destroy();
    });
    asked.on('upgrade', (_response, socket) => {
      socket.destroy();
      resolve({ passed: false, answer: 'it answered 101' });
    });
    asked.on('error', (error) => {
      resolve(unreachable(error));
    });
    asked.end();
  });
}

async function judge(check: HttpCheck, response: IncomingMessage): Promise<ProbeAnswer> {
  const status = response.statusCode ?? 0;
  const answered = `it answered ${String(status)}`;
  response.on('error', () => undefined);
  if (status < 200 || status > 399) return { passed: false, answer: answered };
  const body = await readBody(response);
  if (body === undefined) return { passed: false, answer: `${answered}, and closed the connection before the end` };
  if (body.includes(check.content ?? '')) return { passed: true, answer: answered };
  return { passed: false, answer: `${answered}, without the expected content` };
}

/** The first bytes of the answer. Undefined when it ends too early. */
async function readBody(response: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= BODY_BYTES_MAX) break;
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks).subarray(0, BODY_BYTES_MAX);
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function unreachable(error: Error): ProbeAnswer {
  if (isErrno(error, 'ECONNREFUSED')) return { passed: false, answer: 'it refused the connection' };
  if (isErrno(error, 'ECONNRESET')) return { passed: false, answer: 'it closed the connection' };
  if (isErrno(error, 'HPE_HEADER_OVERFLOW')) return { passed: false, answer: 'its answer has too large headers' };
  const isNoHttp = 'code' in error && String(error.code).startsWith('HPE_');
  return { passed: false, answer: isNoHttp ? 'its answer is not HTTP' : 'it could not be reached' };
}
