import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A subnet without a route on this machine. Two fleets with the same subnet cannot reach half of their apps. */
export function freeSubnet(): string {
  const routes = readFileSync('/proc/net/route', 'utf8');
  for (;;) {
    const bytes = [10, randomInt(210, 250), randomInt(64) * 4, 0];
    const asRoute = bytes.toReversed().map((byte) => byte.toString(16).padStart(2, '0').toUpperCase());
    if (!routes.includes(asRoute.join(''))) return `${bytes.join('.')}/22`;
  }
}
