import type { Clock } from '../../shared/kit/clock.ts';
import { toSlipwayError } from '../../shared/kit/errors.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Failure } from '../assignments/instance-failure.ts';
import type { CommandRunner } from '../dispatch/commands.ts';
import type { App } from '../domain/apps.ts';
import { releaseProcess, type CommandRow } from '../domain/commands.ts';
import type { Release } from '../domain/releases.ts';
import type { PhaseIo } from '../release/release-phase.ts';
import type { Store } from '../store/port.ts';
import type { OneOffs } from './one-offs.ts';
import { renderNoNodeYet, renderOutputHead, renderRunning } from './phase-output.ts';
import { titleOf, type ReleaseStep } from './release-step.ts';
import { releaseTimeoutMs } from './release-timeout.ts';

export interface StepRunnerDeps {
  readonly store: Pick<Store, 'commandOfRelease' | 'appendReleaseOutput' | 'releaseOutput'>;
  readonly oneOffs: Pick<OneOffs, 'start'>;
  readonly commands: CommandRunner;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long a command waits for a node. */
  readonly roomTimeoutMs: number;
}

/** While a command waits or runs, moves of the app get their turn at this interval. */
const LOOK_EVERY_MS = 2_000;

/** Runs the commands of releases: each once, also when this process is not the one that started it. */
export class StepRunner {
  readonly #deps: StepRunnerDeps;

  constructor(deps: StepRunnerDeps) {
    this.#deps = deps;
  }

  /** Starts the command, or follows the one that was started before. @returns why it failed @throws the reason of the signal */
  async run(app: App, release: Release, { step, io }: RunStep): Promise<Failure | undefined> {
    const known = await this.#deps.store.commandOfRelease(app.id, release.version, step.script);
    if (known === undefined) io.print(renderRunning(step));
    await this.#storeHead(release, step);
    const row = known ?? (await this.#start(app, release, { step, io }));
    if ('code' in row) return row;
    const failure = await this.#follow(row, { step, io });
    return failure === undefined ? undefined : inRelease(app, release, { step, failure });
  }

  /** The line before its output, unless a former run of the controller has stored it. A release without scripts has none. */
  async #storeHead({ appId, version, slug }: Release, step: ReleaseStep): Promise<void> {
    const { store, log } = this.#deps;
    if (slug.scripts === undefined) return;
    const head = renderOutputHead(releaseProcess(version, step.script), step);
    try {
      const stored = await store.releaseOutput(appId, version);
      if (stored?.includes(head) !== true) await store.appendReleaseOutput(appId, version, head);
    } catch (error) {
      log.warn({ appId, version, err: error }, 'release.output_not_stored');
    }
  }

  /** Waits for a node with room, like the instances of a release. */
  async #start(app: App, release: Release, { step, io }: RunStep): Promise<CommandRow | Failure> {
    const { oneOffs, clock, roomTimeoutMs } = this.#deps;
    const untilMs = clock.monotonicMs() + roomTimeoutMs;
    const timeoutMs = releaseTimeoutMs(release.config);
    for (let isFirst = true; ; isFirst = false) {
      if (io.givenUp?.aborted === true) return givenUp(app, step);
      try {
        return await oneOffs.start(app, { kind: 'release', release, ...step, processType: 'release', timeoutMs });
      } catch (error) {
        const { code, message, hint } = toSlipwayError(error);
        if (code !== 'SLIP_COMMAND_NO_NODE') throw error;
        if (clock.monotonicMs() >= untilMs) return { code, message, hint };
        if (isFirst) io.print(renderNoNodeYet(message, roomTimeoutMs));
        await io.letMovesPass();
        await clock.sleep(LOOK_EVERY_MS, io.signal);
      }
    }
  }

  /** @returns why it failed */
  async #follow(row: CommandRow, { step, io }: RunStep): Promise<Failure | undefined> {
    const { commands } = this.#deps;
    const giveUp = (): void => void this.#cancel(row, io.signal);
    if (io.givenUp?.aborted === true) giveUp();
    io.givenUp?.addEventListener('abort', giveUp);
    try {
      const ended = commands.ended(row.id, io.print);
      const last = await this.#untilEnded(ended, io);
      if (last?.state === 'succeeded') return undefined;
      return last?.failure ?? { code: 'SLIP_COMMAND_UNKNOWN', message: `${titleOf(step)} was removed.` };
    } finally {
      io.givenUp?.removeEventListener('abort', giveUp);
    }
  }

  /** A stop of the controller aborts both signals. Then the command continues, and the next controller follows it. */
  async #cancel(row: CommandRow, stopping: AbortSignal): Promise<void> {
    await Promise.resolve();
    if (!stopping.aborted) await this.#deps.commands.cancel(row.id);
  }

  /** Moves of the app run meanwhile. @throws the reason of the signal */
  async #untilEnded(ended: Promise<CommandRow | undefined>, io: PhaseIo): Promise<CommandRow | undefined> {
    const { clock } = this.#deps;
    const settled = ended.then((row) => ({ row }));
    for (;;) {
      const wake = new AbortController();
      const signal = AbortSignal.any([io.signal, wake.signal]);
      const pause = clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
      const found = await Promise.race([settled, pause]);
      wake.abort();
      io.signal.throwIfAborted();
      if (found !== undefined) return found.row;
      await io.letMovesPass();
    }
  }
}

interface RunStep {
  readonly step: ReleaseStep;
  readonly io: PhaseIo;
}

function givenUp({ name }: App, step: ReleaseStep): Failure {
  return {
    code: 'SLIP_COMMAND_CANCELLED',
    message: `${titleOf(step)} of ${name} was not started, because the deploy was aborted.`,
    hint: 'Push again.',
  };
}

/** The failure in the words of a release. */
function inRelease(
  app: App,
  release: Release,
  { step, failure }: { readonly step: ReleaseStep; readonly failure: Failure },
): Failure {
  return {
    ...failure,
    message: `${titleOf(step)} failed: ${failure.message}`,
    hint: `Look at its output with: slipway releases:output v${String(release.version)} -a ${app.name}`,
  };
}
