import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { DesiredState } from '../../shared/domain/assignment.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import { ensureDir, readFileIfExists, syncDir, writeFileAtomic } from '../../shared/kit/atomic-file.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { compactForm } from '../../shared/rpc/desired-form.ts';
import { desiredState } from '../../shared/rpc/schemas.ts';
import { decideAcceptance } from './accept.ts';
import { resolveWithheld } from './withheld.ts';

const FILE = 'desired.json';
/** 2: the common content of a release's instances is stored once. The file of an older agent has every assignment whole. */
const VERSION = 2;
const VERSIONS_READ = [1, 2] as const;

/**
 * The last accepted desired state, on disk before anything acts on it. With it an agent runs, restarts and reboots
 * while the controller is away. Holds config secrets in plain: mode 0600 in a folder of mode 0700.
 */
export interface Ledger {
  /** Reads the file once at start. A damaged one is moved aside and reported, never obeyed and never deleted. */
  load(): Promise<DesiredState | undefined>;
  current(): DesiredState | undefined;
  /** Decides and, when accepted and new, writes. One at a time. Resolves with the reason of a refusal. @throws SLIP_LEDGER_WRITE */
  accept(offered: DesiredState): Promise<Reason | undefined>;
}

export interface LedgerDeps {
  readonly stateDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export function createLedger(deps: LedgerDeps): Ledger {
  const path = join(deps.stateDir, FILE);
  let held: DesiredState | undefined;
  let last: Promise<unknown> = Promise.resolve();

  async function acceptNow(sent: DesiredState): Promise<Reason | undefined> {
    const offered = resolveWithheld(held, sent);
    const decision = decideAcceptance(held, offered);
    if (!decision.accepted) return decision.reason;
    if (decision.changed) await write(deps.stateDir, path, offered);
    held = offered;
    return undefined;
  }

  return {
    load: async () => {
      held = await read(deps, path);
      return held;
    },
    current: () => held,
    accept: (offered) => {
      const turn = last.then(() => acceptNow(offered));
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}

async function read(deps: LedgerDeps, path: string): Promise<DesiredState | undefined> {
  const text = await readFileIfExists(path);
  if (text === undefined) return undefined;
  const parsed = parse(text);
  if (parsed.ok) return parsed.state;
  const aside = `${path}.damaged-${String(deps.clock.nowMs())}`;
  await rename(path, aside);
  await syncDir(deps.stateDir);
  deps.logger.error({ path: aside, reason: parsed.problem }, 'reconcile.ledger_damaged');
  return undefined;
}

type Parsed = { readonly ok: true; readonly state: DesiredState } | { readonly ok: false; readonly problem: string };

/** Never throws; the problem names a place, never a value. */
function parse(text: string): Parsed {
  const file = z.object({ version: z.literal(VERSIONS_READ), state: desiredState });
  try {
    const result = file.safeParse(JSON.parse(text));
    if (result.success) return { ok: true, state: result.data.state };
    const issue = result.error.issues[0];
    return { ok: false, problem: `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}` };
  } catch {
    return { ok: false, problem: 'not JSON' };
  }
}

async function write(stateDir: string, path: string, state: DesiredState): Promise<void> {
  try {
    await ensureDir(stateDir, 0o700);
    await writeFileAtomic(path, `${JSON.stringify({ version: VERSION, state: compactForm(state) })}\n`, 0o600);
  } catch (cause) {
    throw new SlipwayError({
      code: 'SLIP_LEDGER_WRITE',
      kind: 'transient',
      message: `The agent could not write ${path}; it goes on with what it accepted before.`,
      hint: `Check the free space and the rights of ${stateDir}.`,
      cause,
    });
  }
}
