import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** The IPv4 address of this machine on the route to `host:port`; empty without such a route. Sends nothing. */
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
