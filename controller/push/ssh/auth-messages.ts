import type { Connection } from 'ssh2';

/** RFC 4253, 11.1: the message and its reasons. */
const DISCONNECT = 1;
const BY_APPLICATION = 11;
const NO_MORE_AUTH_METHODS_AVAILABLE = 14;
/** RFC 4252, 5.4. */
const USERAUTH_BANNER = 53;

/** The private parts of ssh2 that a message during authentication needs. */
interface ProtocolInternals {
  readonly _kexinit?: unknown;
  readonly _packetRW: {
    readonly write: { readonly allocStart: number; alloc(size: number): Buffer; finalize(packet: Buffer): Buffer };
  };
  readonly _cipher: { encrypt(packet: Buffer): void };
}

interface DeepPartial {
  readonly _kexinit?: unknown;
  readonly _packetRW?: { readonly write?: Partial<ProtocolInternals['_packetRW']['write']> };
  readonly _cipher?: Partial<ProtocolInternals['_cipher']>;
}

/**
 * Shows text on the client's terminal during authentication (RFC 4252, 5.4). ssh2 can only send one fixed banner before the first key is
 * seen, so this function writes the packet. If a new ssh2 has other private parts, no text is shown, and everything else works.
 */
export function sendAuthBanner(connection: Connection, text: string): boolean {
  return sendPacket(connection, USERAUTH_BANNER, [
    sshString(`${text.trimEnd().replaceAll('\n', '\r\n')}\r\n`),
    sshString(''),
  ]);
}

/** Ends a connection that is not authenticated, with a reason. ssh prints the banner, and without `-q` the reason too. */
export function disconnectBecause(connection: Connection, reason: string): void {
  sendAuthBanner(connection, `${reason}.`);
  sendDisconnect(connection, NO_MORE_AUTH_METHODS_AVAILABLE, reason);
}

/** Ends a connection of a user, with a reason that ssh prints. */
export function endBecause(connection: Connection, reason: string): void {
  sendDisconnect(connection, BY_APPLICATION, reason);
}

function sendDisconnect(connection: Connection, code: number, reason: string): void {
  const field = Buffer.alloc(4);
  field.writeUInt32BE(code);
  sendPacket(connection, DISCONNECT, [field, sshString(reason), sshString('')]);
  connection.end();
}

function sshString(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function sendPacket(connection: Connection, type: number, fields: readonly Buffer[]): boolean {
  const protocol = (connection as unknown as { _protocol?: DeepPartial })._protocol;
  if (!isReady(protocol)) return false;
  const writer = protocol._packetRW.write;
  const payload = Buffer.concat([Buffer.from([type]), ...fields]);
  const packet = writer.alloc(payload.length);
  payload.copy(packet, writer.allocStart);
  protocol._cipher.encrypt(writer.finalize(packet));
  return true;
}

/** True when ssh2 has the expected private parts and no key exchange runs. During a key exchange, no other packet may be sent. */
function isReady(protocol: DeepPartial | undefined): protocol is ProtocolInternals {
  if (protocol === undefined || protocol._kexinit !== undefined) return false;
  const writer = protocol._packetRW?.write;
  const functions = [writer?.alloc, writer?.finalize, protocol._cipher?.encrypt];
  return typeof writer?.allocStart === 'number' && functions.every((one) => typeof one === 'function');
}
