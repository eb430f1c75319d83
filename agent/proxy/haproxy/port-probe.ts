import { once } from 'node:events';
import { createServer } from 'node:net';
import { isErrno, SlipwayError } from '../../../shared/kit/errors.ts';
import type { ProxyBind } from './settings.ts';

/**
 * Binds and releases each address, so that errors are clear. The messages of HAProxy are not.
 * @throws SLIP_PROXY_PORT_BUSY, SLIP_PROXY_PORT_DENIED, SLIP_PROXY_ADDRESS
 */
export async function probeBinds(binds: readonly ProxyBind[], ipv6 = false): Promise<void> {
  for (const bind of binds) {
    await probe(bind);
    if (bind.address === '*' && ipv6) await probe({ ...bind, address: '::' });
  }
}

async function probe({ address, port }: ProxyBind): Promise<void> {
  const server = createServer();
  try {
    server.listen({ host: address === '*' ? '0.0.0.0' : address, port, exclusive: true, ipv6Only: true });
    await once(server, 'listening');
  } catch (error) {
    throw bindFailure({ address, port }, error);
  } finally {
    server.close();
  }
}

function bindFailure({ address, port }: ProxyBind, cause: unknown): SlipwayError {
  const details = { address, port };
  if (isErrno(cause, 'EADDRINUSE')) {
    return new SlipwayError({
      code: 'SLIP_PROXY_PORT_BUSY',
      message: `The proxy cannot listen on port ${String(port)}: another program already does.`,
      hint: `See which one with \`ss -ltnp 'sport = :${String(port)}'\` and stop it, or give the proxy another port (quickstart: --port ${String(otherPort(port))}).`,
      kind: 'transient',
      details,
      cause,
    });
  }
  if (isErrno(cause, 'EACCES')) {
    return new SlipwayError({
      code: 'SLIP_PROXY_PORT_DENIED',
      message: `The proxy may not listen on port ${String(port)}: ports below 1024 need root.`,
      hint: `Run the agent as root, or give the proxy a port from 1024 up (quickstart: --port ${String(otherPort(port))}).`,
      details,
      cause,
    });
  }
  return new SlipwayError({
    code: 'SLIP_PROXY_ADDRESS',
    message: `The proxy cannot listen on ${address}:${String(port)}.`,
    hint: 'Check that the address belongs to this machine: `ip -brief address`.',
    details,
    cause,
  });
}

function otherPort(port: number): number {
  return port < 1024 ? 8080 : port + 1;
}
