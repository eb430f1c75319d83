/**
 * Sends a request that is one of many at the same time. A busy server ends a connection whose TLS handshake takes too long. Then it has
 * not seen the request, and the client can send it again.
 */
export async function untilSent<T>(request: () => Promise<T>): Promise<T> {
  for (let triesLeft = 20; ; triesLeft -= 1) {
    try {
      return await request();
    } catch (error) {
      if (triesLeft === 0 || !isConnectionLost(error)) throw error;
    }
  }
}

function isConnectionLost(error: unknown): boolean {
  return error instanceof Error && 'code' in error && LOST.has(String(error.code));
}

const LOST: ReadonlySet<string> = new Set(['ECONNRESET', 'UND_ERR_SOCKET', 'UND_ERR_CONNECT_TIMEOUT']);
