import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** The address of this machine on the way to `host:port`; empty when there is no way, or it is not IPv4. Sends nothing. */
export async function localAddressTowards(hostAndPort: string): Promise<string> {
  const at = hostAndPort.lastIndexOf(':');
  const socket = createSocket('udp4');
  try {
    const connected = once(socket, 'connect');
    socket.connect(Number(hostAndPort.slice(at + 1)), hostAndPort.slice(0, at));
    await connected;
    return socket.address().address;
  } catch {
    return '';
  } finally {
    socket.close();
  }
}
