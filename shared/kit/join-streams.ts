import type { Duplex, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const LISTENERS_MAX = 30;

interface Through {
  readonly toOne?: Transform;
  readonly toOther?: Transform;
}

/** Passes bytes on in both directions until one end closes. Then it closes the other end. Never rejects. */
export async function joinStreams(one: Duplex, other: Duplex, { toOne, toOther }: Through = {}): Promise<void> {
  const close = (): void => {
    one.destroy();
    other.destroy();
  };
  // Two pipelines add more listeners than Node expects of one stream.
  for (const stream of [one, other]) stream.setMaxListeners(LISTENERS_MAX);
  one.once('close', close);
  other.once('close', close);
  await Promise.allSettled([
    toOther === undefined ? pipeline(one, other) : pipeline(one, toOther, other),
    toOne === undefined ? pipeline(other, one) : pipeline(other, toOne, one),
  ]);
  close();
}
