import { z } from 'zod';
import type { AppId } from '../domain/ids.ts';
import { routerCodes, switchGap, type NodeFigures, type SwitchGap } from '../domain/switch-figures.ts';
import * as field from './fields.ts';
import type { WireAgentMessage } from './service.ts';

/** More than a fleet deploys at the same time. */
export const SWITCHES_MAX = 1_000;

const key = { appId: field.id<AppId>(), release: field.size };

export const countSwitches = z.object({
  switches: z.array(z.object({ ...key, opening: z.boolean(), read: field.count })).max(SWITCHES_MAX),
});

/** A gap that this version does not know is a gap too. */
const gap = field.emptyIsAbsent<SwitchGap>(z.union([switchGap, field.word.transform((): SwitchGap => 'late')]));

export const nodeFigures = z
  .object({
    ...key,
    read: field.count,
    requests: field.count,
    codes: routerCodes,
    openRequests: field.count,
    longestDrainMs: field.amount,
    lostLines: field.count,
    gap,
  })
  .refine(
    ({ requests, codes }) => Object.values(codes).reduce((sum, count) => sum + count, 0) <= requests,
    'has more errors than requests',
  );

export function encodeFigures(figures: NodeFigures): NonNullable<WireAgentMessage['switchFigures']> {
  return { ...figures, codes: { ...figures.codes }, gap: figures.gap ?? '' };
}
