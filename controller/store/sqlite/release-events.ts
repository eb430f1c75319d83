import type { Clock } from '../../../shared/kit/clock.ts';
import type { Release } from '../../domain/releases.ts';
import { appNameOf, insertEvent, userActor } from './events.ts';
import type { Tx } from './schema.ts';

interface Where {
  readonly tx: Tx;
  readonly clock: Clock;
}

/** Writes the event of a release, in the transaction of the change. */
export async function noteCreated({ tx, clock }: Where, release: Release): Promise<void> {
  const { description } = release;
  await note({ tx, clock }, release, {
    what: 'created',
    actor: await userActor(tx, release.userId),
    says: `v${String(release.version)} was created: ${description}.`,
  });
}

export async function noteCurrent(where: Where, release: Release): Promise<void> {
  await note(where, release, { what: 'live', says: `v${String(release.version)} is live.` });
}

export async function noteFailed(
  where: Where,
  release: Release,
  end: { readonly failure: NonNullable<Release['failure']>; readonly restored: number | undefined },
): Promise<void> {
  const { failure, restored } = end;
  const version = `v${String(release.version)}`;
  const back = restored === undefined ? '' : ` v${String(restored)} is current again.`;
  await note(where, release, {
    what: restored === undefined ? 'failed' : 'rolled-back',
    says: `${version} failed: ${failure.message}${back}`,
    code: failure.code,
  });
}

async function note(
  { tx, clock }: Where,
  release: Release,
  change: { readonly what: string; readonly says: string; readonly actor?: string; readonly code?: string },
): Promise<void> {
  const app = await appNameOf(tx, release.appId);
  const { what, says, actor = 'controller', code } = change;
  const details = { version: release.version, ...(code === undefined ? {} : { code }) };
  const next = what === 'created' || what === 'live' ? `slipway releases -a ${app ?? ''}` : `slipway why ${app ?? ''}`;
  await insertEvent(tx, clock, {
    kind: `release.${what}`,
    actor,
    app,
    message: says,
    next,
    details,
  });
}
