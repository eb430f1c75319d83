import type { Clock } from '../../shared/kit/clock.ts';
import { toSlipwayError } from '../../shared/kit/errors.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { ownProperty } from '../../shared/kit/own-property.ts';
import type { Failure } from '../assignments/instance-failure.ts';
import type { CommandRunner } from '../dispatch/commands.ts';
import type { App } from '../domain/apps.ts';
import type { CommandRow } from '../domain/commands.ts';
import type { Release } from '../domain/releases.ts';
import type { PhaseIo, ReleasePhase } from '../release/release-phase.ts';
import type { Store } from '../store/port.ts';
import type { OneOffs } from './one-offs.ts';
import { renderNoNodeYet, renderRunning } from './phase-output.ts';
import { releaseTimeoutMs } from './release-timeout.ts';

export interface ReleaseCommandDeps {
  readonly store: Pick<Store, 'commandOfRelease' | 'appendReleaseOutput'>;
  readonly oneOffs: Pick<OneOffs, 'start'>;
  readonly commands: CommandRunner;
  readonly clock: Clock;
  readonly failpoint: Failpoint;
  readonly log: Logger;
  /** How long the command waits for a node. */
  readonly roomTimeoutMs: number;
}

/** While a release command waits or runs, moves of the app get their turn at this interval. */
const LOOK_EVERY_MS = 2_000;

/** Runs the `release` process type of each new release, once. */
export class ReleaseCommand implements ReleasePhase {
  readonly #deps: ReleaseCommandDeps;

  constructor(deps: ReleaseCommandDeps) {
    this.#deps = deps;
  }

  async run(app: App, release: Release, io: PhaseIo): Promise<Failure | undefined> {
    const command = ownProperty(release.slug.processTypes, 'release');
    if (command === undefined) return undefined;
    const known = await this.#deps.store.commandOfRelease(app.id, release.version);
    if (known === undefined) io.print(renderRunning());
    const row = known ?? (await this.#start(app, { release, command }, io));
    if ('code' in row) return row;
    const ended = await this.#follow(row, io);
    await this.#deps.failpoint('release.commandEnded');
    return ended === undefined ? undefined : inRelease(app, release, ended);
  }

  /** Waits for a node with room, like the instances of a release. */
  async #start(
    app: App,
    { release, command }: { readonly release: Release; readonly command: string },
    io: PhaseIo,
  ): Promise<CommandRow | Failure> {
    const { oneOffs, clock, roomTimeoutMs } = this.#deps;
    const untilMs = clock.monotonicMs() + roomTimeoutMs;
    const timeoutMs = releaseTimeoutMs(release.config);
    for (let isFirst = true; ; isFirst = false) {
      if (io.givenUp?.aborted === true) return givenUp(app);
      try {
        return await oneOffs.start(app, { kind: 'release', release, command, processType: 'release', timeoutMs });
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
  async #follow(row: CommandRow, io: PhaseIo): Promise<Failure | undefined> {
    const { commands } = this.#deps;
    const output = this.#sink(row, io);
    const giveUp = (): void => void this.#cancel(row, io.signal);
    if (io.givenUp?.aborted === true) giveUp();
    io.givenUp?.addEventListener('abort', giveUp);
    try {
      const ended = commands.ended(row.id, output.take);
      const last = await this.#untilEnded(ended, io);
      await output.done();
      if (last?.state === 'succeeded') return undefined;
      return last?.failure ?? { code: 'SLIP_COMMAND_UNKNOWN', message: 'The release command was removed.' };
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

  /** Copies the output to the user who waits, and to the release. */
  #sink(row: CommandRow, io: PhaseIo): { readonly take: (text: string) => void; readonly done: () => Promise<void> } {
    const { store, log } = this.#deps;
    let writes: Promise<unknown> = Promise.resolve();
    let waiting = '';
    const write = async (): Promise<void> => {
      const text = waiting;
      waiting = '';
      if (text !== '') await store.appendReleaseOutput(row.appId, row.release, text);
    };
    const failed = (error: unknown): void => log.warn({ task: row.id, err: error }, 'release.output_not_stored');
    const take = (text: string): void => {
      io.print(text);
      waiting += text;
      writes = writes.then(write).catch(failed);
    };
    const done = async (): Promise<void> => {
      await writes;
    };
    return { take, done };
  }
}

function givenUp({ name }: App): Failure {
  return {
    code: 'SLIP_COMMAND_CANCELLED',
    message: `The release command of ${name} was not started, because the push was aborted.`,
    hint: 'Push again.',
  };
}

/** The failure in the words of a release. */
function inRelease(app: App, release: Release, failure: Failure): Failure {
  return {
    ...failure,
    message: `The release command failed: ${failure.message}`,
    hint: `Look at its output with: slipway releases:output v${String(release.version)} -a ${app.name}`,
  };
}
