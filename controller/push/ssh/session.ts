import type { Connection, ServerChannel, Session } from 'ssh2';
import type { Identity } from './authenticate.ts';
import type { GitChannel } from '../git/receive-pack.ts';
import { MAX_EXEC_BYTES } from '../parse-exec.ts';

/** One session channel: exec requests go to git. Other requests are refused, or get a text. */

export interface ExecRequest {
  readonly command: string;
  readonly identity: Identity;
  /** `version=0..2` when the client asked for it. */
  readonly protocol?: string | undefined;
  readonly channel: GitChannel;
}

/** Serves one exec; resolves with the exit code. Never rejects. */
export type ServeExec = (request: ExecRequest) => Promise<number>;

const GIT_PROTOCOL = /^version=[0-2]$/;

/** The client. `refusedReason` is the reason why this connection is not served, for clients that ask for a shell. */
type Client = Identity & { readonly refusedReason?: string };

/** Accepts one session channel at a time on an authenticated connection. */
export function acceptSessions(connection: Connection, identity: Client, serve: ServeExec): void {
  let open = false;
  connection.on('session', (accept, reject) => {
    if (open) {
      reject();
      return;
    }
    open = true;
    const session = accept();
    session.once('close', () => {
      open = false;
    });
    serveSession(connection, session, { identity, serve });
  });
}

function serveSession(connection: Connection, session: Session, how: { identity: Client; serve: ServeExec }): void {
  let protocol: string | undefined;
  let pty = false;
  session.on('env', (accept, reject, { key, val }) => {
    // A client may set only this variable, and only to these three values.
    if (key === 'GIT_PROTOCOL' && GIT_PROTOCOL.test(val)) {
      protocol = val;
      answer(accept);
    } else answer(reject);
  });
  session.on('pty', (accept) => {
    pty = true;
    answer(accept);
  });
  session.once('shell', (accept) => {
    refuseShell(accept(), how.identity, pty ? '\r\n' : '\n');
  });
  session.once('exec', (accept, reject, { command }) => {
    if (Buffer.byteLength(command) > MAX_EXEC_BYTES) {
      answer(reject);
      return;
    }
    const stream = accept();
    const channel = gitChannel(connection, stream);
    void how.serve({ command, identity: how.identity, protocol, channel }).then((code) => {
      finish(stream, code);
    });
  });
}

/** ssh2 passes no function when the client wants no reply. */
function answer(reply: (() => unknown) | undefined): void {
  reply?.();
}

function gitChannel(connection: Connection, stream: ServerChannel): GitChannel {
  const closed = new AbortController();
  const close = (): void => {
    closed.abort(new Error('the client closed the connection'));
  };
  stream.once('close', close).on('error', close);
  connection.once('close', close);
  stream.stderr.on('error', close);
  return { input: stream, output: stream, errors: stream.stderr, closed: closed.signal };
}

/** Sends the exit status after all output, then ends the channel. */
function finish(stream: ServerChannel, code: number): void {
  stream.write('', () => {
    stream.exit(code);
    stream.end();
  });
  // The channel closes only after the rest of the client's data was read.
  stream.resume();
}

function refuseShell(stream: ServerChannel, identity: Client, newline: string): void {
  const lines = [
    `Hello ${identity.user.name}. The connection to Slipway works (key ${identity.fingerprint}).`,
    'There is no shell. Deploy with git:',
    '',
    '  git push slipway main     deploy the branch main',
    '  slipway status            see what runs',
    '  slipway --help            all commands',
    '',
  ];
  stream.stderr.write(identity.refusedReason?.replaceAll('\n', newline) ?? lines.join(newline));
  finish(stream, 1);
}
