import { z } from 'zod';
import { isId, type AppId } from '../../shared/domain/ids.ts';
import type { SwitchKey } from '../../shared/domain/switch-figures.ts';

/**
 * Lines that the agent writes into the access log of the proxy. So the log itself has the moments of a switch in their order among the requests,
 * also after a restart of the agent. Pure.
 */
export type Mark =
  | (SwitchKey & {
      readonly kind: 'begin';
      /** The count has every request since the switch began. */
      readonly whole: boolean;
      /** Lost lines so far, by process of the proxy. */
      readonly lost: Readonly<Record<string, number>>;
    })
  | (SwitchKey & { readonly kind: 'read'; readonly read: number })
  /** The proxy sends no new requests to this instance, or sends them again. */
  | { readonly kind: 'moved'; readonly appId: AppId; readonly instanceId: string; readonly isIn: boolean };

const START = 'slipmark ';
/** Part of each line with a mark. Lines of requests can contain it too, but do not start with it. */
export const MARK_BYTES = Buffer.from(START);

const appId = z.custom<AppId>((value) => typeof value === 'string' && isId(value));
const key = { appId, release: z.int().min(1) };
const mark = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('begin'), ...key, whole: z.boolean(), lost: z.record(z.string(), z.int().min(0)) }),
  z.object({ kind: z.literal('read'), ...key, read: z.int().min(0) }),
  z.object({ kind: z.literal('moved'), appId, instanceId: z.string(), isIn: z.boolean() }),
]);

export function writeMark(given: Mark): string {
  return START + JSON.stringify(given);
}

/** `undefined` for all other lines. */
export function parseMark(text: string): Mark | undefined {
  if (!text.startsWith(START)) return undefined;
  try {
    return mark.parse(JSON.parse(text.slice(START.length)));
  } catch {
    return undefined; // cut off, for example by a full disk: the agent writes another one
  }
}
