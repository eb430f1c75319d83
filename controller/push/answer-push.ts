import { renderError, SlipwayError, toSlipwayError, TROUBLE } from '../../shared/kit/errors.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { DecidePush, PushIo } from './git/receive-pack.ts';
import { MAX_REFS, NO_COMMIT, type ProcReceiveRequest, type RefCommand, type RefResult } from './git/proc-receive.ts';
import { decideRefs, shortRef, type RefDecision } from './git/ref-policy.ts';
import { commitInfo, readHead, readRef, setHead, type CommitInfo } from './git/repository.ts';
import type { GitUser, PushApp, PushPolicy, PushOutcome } from './port.ts';
import type { PushQueue } from './push-queue.ts';
import type { RefReservation } from './repository-limits.ts';
import { TerminalText } from './terminal-text.ts';

export interface PushDeps {
  readonly policy: PushPolicy;
  readonly queue: PushQueue;
  readonly clock: Clock;
  readonly log: Logger;
  readonly failpoint: Failpoint;
}

/** One push whose pack is being received. Each stage adds its time to `timingsMs`. */
export interface PushSession {
  readonly app: PushApp;
  readonly user: GitUser;
  readonly repositoryDir: string;
  readonly acceptedAtMs: number;
  readonly timingsMs: Record<string, number>;
  readonly receiveStartedAtMs: number;
  readonly refs: Pick<RefReservation, 'take'>;
}

interface Pushing extends PushSession {
  readonly deps: PushDeps;
  readonly io: PushIo;
  readonly output: (text: string | Uint8Array) => void;
}

/** Decides every ref of a push: the deploy branch is deployed, other refs are stored or refused. */
export function answerPush(deps: PushDeps, session: PushSession): DecidePush {
  return async (request, io) => {
    const cleaner = new TerminalText();
    const pushing: Pushing = {
      ...session,
      deps,
      io,
      output: (text) => {
        io.write(cleaner.push(text));
      },
    };
    try {
      session.timingsMs['receive'] = deps.clock.monotonicMs() - session.receiveStartedAtMs;
      await deps.failpoint('push.received');
      return await answerAll(pushing, request);
    } catch (error) {
      const reason = report(pushing, error);
      return request.commands.map(({ ref }) => ({ kind: 'refuse', ref, reason }));
    } finally {
      io.write(cleaner.end());
    }
  };
}

async function answerAll(pushing: Pushing, request: ProcReceiveRequest): Promise<readonly RefResult[]> {
  if (request.tooMany) throw tooManyRefs();
  const headRef = await readHead(pushing.repositoryDir);
  const headExists = (await readRef(pushing.repositoryDir, headRef)) !== undefined;
  const decisions = decideRefs(request.commands, { headRef, headExists }, request.atomic);
  await pushing.refs.take(decisions.filter(addsRef).length);
  for (const decision of decisions)
    if (decision.kind === 'store' && decision.note !== undefined) pushing.output(`${decision.note}\n`);
  // A failed build does not remove the app: the user corrects the build, and no other user may take the name meanwhile.
  if (decisions.some((decision) => decision.kind !== 'refuse'))
    await pushing.deps.policy.acceptApp(pushing.user, pushing.app);
  const deployed = await Promise.all(
    decisions.map((decision) =>
      decision.kind === 'deploy' ? deployRef(pushing, decision.command) : Promise.resolve(undefined),
    ),
  );
  const failed = request.atomic && deployed.some((result) => result?.kind === 'refuse');
  return decisions.map((decision, at) => deployed[at] ?? resultOf(decision, failed));
}

/** The deploy branch never counts against the limit of refs. */
function addsRef({ kind, command }: RefDecision): boolean {
  return kind === 'store' && command.oldCommit === NO_COMMIT && command.newCommit !== NO_COMMIT;
}

function tooManyRefs(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_PUSH_REFS',
    message: `One push can change ${String(MAX_REFS)} branches and tags at most.`,
    hint: 'Push only the deploy branch: git push slipway main',
  });
}

function resultOf(decision: RefDecision, atomicFailed: boolean): RefResult {
  const { ref } = decision.command;
  if (decision.kind === 'refuse') return { kind: 'refuse', ref, reason: decision.reason };
  if (atomicFailed) return { kind: 'refuse', ref, reason: 'atomic push: the deploy failed' };
  return { kind: 'store', ref };
}

/** One deploy, when it is this push's turn. */
async function deployRef(pushing: Pushing, command: RefCommand): Promise<RefResult> {
  const { deps, io, app } = pushing;
  const { ref } = command;
  try {
    const commit = await commitInfo(pushing.repositoryDir, command.newCommit);
    const waitedFromMs = deps.clock.monotonicMs();
    const leave = await deps.queue.enter(app.appId, {
      commit: command.newCommit,
      signal: io.signal,
      waiting: (holder) => {
        pushing.output(`Another push to ${app.name} is running (commit ${holder.slice(0, 7)}); your push waits.\n`);
      },
    });
    try {
      pushing.timingsMs['wait'] = deps.clock.monotonicMs() - waitedFromMs;
      const outcome = await deployNow(pushing, command, commit);
      return outcome.ok ? { kind: 'done', ref } : { kind: 'refuse', ref, reason: outcome.reason };
    } finally {
      leave();
    }
  } catch (error) {
    return { kind: 'refuse', ref, reason: report(pushing, error) };
  }
}

async function deployNow(pushing: Pushing, command: RefCommand, commit: CommitInfo): Promise<PushOutcome> {
  const { deps, io, repositoryDir } = pushing;
  const { ref, oldCommit, newCommit } = command;
  const moved = await whyMoved(repositoryDir, ref, oldCommit);
  if (moved !== undefined) return { ok: false, reason: moved };
  await deps.failpoint('push.procReceive');
  io.signal.throwIfAborted();
  const { app, user, acceptedAtMs, timingsMs } = pushing;
  const push = {
    app,
    user,
    repositoryDir,
    ref,
    oldCommit,
    newCommit,
    commit,
    acceptedAtMs,
    timingsMs: { ...timingsMs },
  };
  return deps.policy.deploy(push, pushing.output, io.signal);
}

/**
 * The ref may have moved while this push waited. Only Slipway removes the deploy branch, after a deploy without git; then any commit may follow.
 * A HEAD without a branch is set to the first deployed branch.
 */
async function whyMoved(repositoryDir: string, ref: string, oldCommit: string): Promise<string | undefined> {
  const now = (await readRef(repositoryDir, ref)) ?? NO_COMMIT;
  if (now !== oldCommit && now !== NO_COMMIT)
    return `${shortRef(ref)} moved to ${now.slice(0, 7)} while this push waited; fetch and push again`;
  const head = await readHead(repositoryDir);
  if (head === ref) return undefined;
  if ((await readRef(repositoryDir, head)) !== undefined)
    return `${shortRef(head)} became the deploy branch while this push waited`;
  await setHead(repositoryDir, ref);
  return undefined;
}

/** Shows the error to the pusher. Returns the short form for git's own line. */
function report(pushing: Pushing, error: unknown): string {
  const { deps, app, io } = pushing;
  if (io.signal.aborted && !(io.signal.reason instanceof SlipwayError)) return 'cancelled';
  const known = toSlipwayError(error);
  if (known.kind === 'bug') deps.log.error({ app: app.name, code: known.code, err: error }, 'push.failed');
  pushing.output(renderError(known, TROUBLE));
  return known.message.replace(/\.$/, '');
}
