import type { Connection } from 'ssh2';

const USERAUTH_BANNER = 53;

/** The few private parts of ssh2 that a message during authentication needs. */
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
 * seen, so this writes the packet by itself; should ssh2 change inside, nothing is shown and all else works.
 */
export function sendAuthBanner(connection: Connection, text: string): boolean {
  const protocol = (connection as unknown as { _protocol?: DeepPartial })._protocol;
  if (!isReady(protocol)) return false;
  const writer = protocol._packetRW.write;
  const message = Buffer.from(`${text.trimEnd().replaceAll('\n', '\r\n')}\r\n`);
  const packet = writer.alloc(1 + 4 + message.length + 4);
  let at = writer.allocStart;
  packet[at] = USERAUTH_BANNER;
  packet.writeUInt32BE(message.length, (at += 1));
  message.copy(packet, (at += 4));
  packet.writeUInt32BE(0, at + message.length);
  protocol._cipher.encrypt(writer.finalize(packet));
  return true;
}

/** As we know it, and not in a key exchange, in which only its own packets may be sent. */
function isReady(protocol: DeepPartial | undefined): protocol is ProtocolInternals {
  if (protocol === undefined || protocol._kexinit !== undefined) return false;
  const writer = protocol._packetRW?.write;
  const functions = [writer?.alloc, writer?.finalize, protocol._cipher?.encrypt];
  return typeof writer?.allocStart === 'number' && functions.every((one) => typeof one === 'function');
}
