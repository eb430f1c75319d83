import type { Machine } from './machine.ts';
import type { World } from './world.ts';

/** Limit of the virtual time of a command that waits. */
const PATIENCE_MS = 300_000;

export type Command = (words: readonly string[]) => void | Promise<void>;
export type Commands = Readonly<Record<string, Command>>;

/** The world of a script, and what its commands share. */
export class ScriptScene {
  readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  /** Lets time pass until the work is done. */
  async wait(work: Promise<unknown>): Promise<void> {
    let done = false;
    void work.then(() => (done = true));
    await this.world.clock.until(() => done, PATIENCE_MS);
  }

  print(screen: string): void {
    this.world.trace.raw(screen.trimEnd());
  }

  /** Writes the answer of a command into the trace, also when it is an error. */
  async said<T>(what: string, work: Promise<T>, say: (answer: T) => string): Promise<void> {
    const { trace } = this.world;
    await work.then(
      (answer) => {
        trace.say(what, say(answer));
      },
      (error: unknown) => {
        trace.say(what, error instanceof Error ? error.message : String(error));
      },
    );
  }

  machine(name = ''): Machine {
    return this.world.machines.get(name)!;
  }

  /** `web.1 of shop v2` */
  named(name: string): readonly { readonly machine: Machine; readonly id: string }[] {
    const all = [...this.world.machines.values()].flatMap((machine) =>
      [...machine.sandbox.specs.keys()].map((id) => ({ machine, id })),
    );
    return all.filter(({ id }) => this.world.trace.nameOf(id) === name);
  }
}
