import type { Reason } from '../../shared/domain/instance.ts';
import type { Listener } from '../sandbox/port.ts';

const MAX_NAMED = 5;
/** Linux gives these ports to UDP sockets of clients (net.ipv4.ip_local_port_range). */
const EPHEMERAL = { first: 32_768, last: 60_999 };

/** Pure: the reason for users when the port does not answer. It names the ports where the app listens. */
export function explainSilence(listeners: readonly Listener[], port: number, waitedMs: number): Reason {
  const seconds = String(Math.round(waitedMs / 1000));
  const tcp = listeners.filter((listener) => listener.protocol !== 'udp');
  const onPort = tcp.filter((listener) => listener.port === port);
  if (onPort.length > 0) return explainOwnPort(onPort, port, seconds);
  if (tcp.length > 0) return wrongPort(tcp, port, seconds);
  const udp = listeners.filter((listener) => listener.port === port || !isEphemeral(listener.port));
  if (udp.length > 0) return udpOnly(udp, port, seconds);
  return {
    code: 'SLIP_APP_NEVER_BOUND',
    message: `The app runs but did not listen on its port (PORT=${String(port)}) within ${seconds} s.`,
    hint: 'Make the web process listen on 0.0.0.0 and the port in PORT; if it is not a web app, name its process type "worker" in the Procfile.',
  };
}

function explainOwnPort(onPort: readonly Listener[], port: number, seconds: string): Reason {
  if (onPort.every(isLoopback)) {
    return {
      code: 'SLIP_APP_LOOPBACK_ONLY',
      message: `The app listens on ${withPort(onPort[0]?.address ?? '127.0.0.1', port)} only, where the proxy cannot reach it.`,
      hint: 'Listen on 0.0.0.0 (all addresses) and the port in the environment variable PORT, then push again.',
    };
  }
  if (onPort.every((listener) => isLoopback(listener) || listener.address.includes(':'))) {
    const { address } = onPort.find((listener) => !isLoopback(listener)) ?? { address: '::' };
    return {
      code: 'SLIP_APP_IPV6_ONLY',
      message: `The app listens on [${address}]:${String(port)} for IPv6 only. The proxy connects over IPv4, and nothing answered within ${seconds} s.`,
      hint: 'Listen on 0.0.0.0 (or on :: without the option that excludes IPv4) and the port in the environment variable PORT, then push again.',
    };
  }
  return {
    code: 'SLIP_APP_UNREACHABLE',
    message: `The app listens on its port (${String(port)}), but this node could not connect to it within ${seconds} s.`,
    hint: 'Push again. If this happens again, the network of the node has a problem: see `slipway status`.',
  };
}

function wrongPort(tcp: readonly Listener[], port: number, seconds: string): Reason {
  const everywhere = tcp.every(({ address }) => address === '0.0.0.0' || address === '::');
  const names = everywhere ? `port ${portsOf(tcp)}` : addressesOf(tcp);
  return {
    code: 'SLIP_APP_WRONG_PORT',
    message: `The app listens on ${names}, not on the port in PORT (${String(port)}), so nothing reached it within ${seconds} s.`,
    hint: everywhere
      ? 'Read the port from the environment variable PORT instead of a fixed number, then push again.'
      : 'Listen on 0.0.0.0, and read the port from the environment variable PORT, then push again.',
  };
}

function udpOnly(udp: readonly Listener[], port: number, seconds: string): Reason {
  return {
    code: 'SLIP_APP_UDP_ONLY',
    message: `The app listens on UDP port ${portsOf(udp)} only. HTTP requests come over TCP, and nothing answered on the port in PORT (${String(port)}) within ${seconds} s.`,
    hint: 'Make the web process listen with TCP on 0.0.0.0 and the port in PORT; if it is not a web app, name its process type "worker" in the Procfile.',
  };
}

function portsOf(listeners: readonly Listener[]): string {
  return [...new Set(listeners.map((listener) => listener.port))]
    .sort((a, b) => a - b)
    .slice(0, MAX_NAMED)
    .join(', ');
}

function addressesOf(listeners: readonly Listener[]): string {
  return [...new Set(listeners.map(({ address, port }) => withPort(address, port)))].slice(0, MAX_NAMED).join(', ');
}

function withPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${String(port)}` : `${address}:${String(port)}`;
}

function isEphemeral(port: number): boolean {
  return port >= EPHEMERAL.first && port <= EPHEMERAL.last;
}

function isLoopback(listener: Listener): boolean {
  return /^(::ffff:)?127\./.test(listener.address) || listener.address === '::1';
}
