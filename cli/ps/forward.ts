import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { AttachedProcess } from '../../shared/attach/attached-process.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { isErrno, SlipwayError, toSlipwayError } from '../../shared/kit/errors.ts';
import { passInput, written } from '../attached-command.ts';
import type { Cli, CommandRun } from '../cli.ts';
import { escapeControls, oneLine } from '../terminal/escape.ts';
import { renderNotice } from '../terminal/notice.ts';
import { usageError } from '../usage-error.ts';

export interface PortPair {
  readonly local: number;
  readonly remote: number;
}

/** `LOCAL:REMOTE`, or one number for both. @throws SLIP_CLI_USAGE */
export function parsePorts(word: string): PortPair {
  const [, left, right] = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(word) ?? [];
  const [local, remote] = [Number(left), Number(right ?? left)];
  if (local >= 0 && local < 65_536 && remote > 0 && remote < 65_536) return { local, remote };
  throw usageError(
    `${JSON.stringify(word)} is not LOCAL:REMOTE with two port numbers.`,
    'For example: slipway ps:forward web.1 8080:5000',
  );
}

interface Target {
  readonly app: string;
  readonly instance: string;
  readonly remote: number;
  /** Each connection gets the same notices; the user reads each one once. */
  readonly notice: (text: string) => void;
}

export const forward: CommandRun = async (cli, [instance = '', ...words], flags) => {
  const app = await cli.app(flags);
  const pairs = words.map(parsePorts);
  let last: string | undefined;
  const notice = (text: string): void => {
    if (text !== last) cli.note(renderNotice(text));
    last = text;
  };
  const servers = await Promise.all(
    pairs.map((pair) => listen(cli, pair, { app, instance, remote: pair.remote, notice })),
  );
  servers.forEach((server, index) => {
    const { port } = server.address() as AddressInfo;
    cli.note(
      `Forwarding 127.0.0.1:${String(port)} to port ${String(pairs[index]?.remote)} of ${instance}. End with Ctrl-C.\n`,
    );
  });
  await Promise.all(servers.map((server) => once(server, 'close')));
};

async function listen(cli: Cli, { local }: PortPair, target: Target): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    connect(cli, socket, target).catch((error: unknown) => {
      const { message, hint } = toSlipwayError(error); // an app can write both
      cli.note(`${oneLine(escapeControls(`${message}${hint === undefined ? '' : ` ${hint}`}`))}\n`);
      socket.destroy();
    });
  });
  server.listen(local, '127.0.0.1');
  await once(server, 'listening').catch((cause: unknown) => {
    throw cannotListen(local, cause);
  });
  return server;
}

/** Each connection is a stream of its own. */
async function connect(cli: Cli, socket: Socket, { app, instance, remote, notice }: Target): Promise<void> {
  const api = await cli.api();
  const stream = await api.attach('attachInstance', { params: { app, instance } });
  const output = (bytes: Uint8Array): Promise<void> => written(socket, bytes);
  const process = new AttachedProcess(
    stream,
    { output, errors: output, outputEnd: () => void socket.end(), notice },
    systemClock,
  );
  socket.once('close', () => process.close());
  process.start({ mode: 'port', port: remote });
  await process.started;
  const stopInput = passInput(socket, process);
  await process.exited.catch((error: unknown) => {
    if (!socket.destroyed) throw error;
  });
  if (!socket.writableEnded) socket.end();
  if (socket.readableEnded) stopInput();
}

function cannotListen(port: number, cause: unknown): SlipwayError {
  const busy = isErrno(cause, 'EADDRINUSE');
  return new SlipwayError({
    code: 'SLIP_CLI_LISTEN',
    message: `This machine cannot listen on port ${String(port)}${busy ? ': another program does' : ''}.`,
    hint: 'Choose another local port, for example: slipway ps:forward web.1 18080:5000',
    cause,
  });
}
