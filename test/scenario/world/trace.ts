import { describeCauses } from '../../../shared/kit/errors.ts';
import type { LogEvent, LogFields, Logger } from '../../../shared/kit/log.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** The events, one a line, with names in place of ids. */
export class Trace {
  readonly lines: string[] = [];
  readonly #clock: VirtualClock;
  readonly #names = new Map<string, string>();

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  name(id: string, name: string): void {
    this.#names.set(id, name);
  }

  nameOf(id: string): string {
    return this.#names.get(id) ?? id;
  }

  /** @param who a node, `controller`, `git`, `push` … */
  say(who: string, text: string): void {
    const named = text.replaceAll(/\b[a-z]{1,4}\d{8,}\b/g, (id) => this.nameOf(id));
    for (const line of named.trimEnd().split('\n'))
      this.lines.push(`${this.#stamp()} ${who.padEnd(10)} ${line}`.trimEnd());
  }

  /** Adds lines without a time. */
  raw(text: string): void {
    this.lines.push(text);
  }

  /** The log of a program: events from level info, and the steps of the agents. */
  logger(who: string): Logger {
    const log = (fields: LogFields, event: LogEvent): void => {
      this.say(who, `${event}${renderFields(fields)}`);
    };
    const logger: Logger = {
      debug: (fields, event) => {
        if (event === 'reconcile.step') this.say(who, String(fields['step']));
      },
      info: (fields, event) => {
        if (/^(release|movement|node)\./.test(event)) log(fields, event);
      },
      warn: log,
      error: log,
      child: () => logger,
    };
    return logger;
  }

  #stamp(): string {
    return (this.#clock.monotonicMs() / 1000).toFixed(3).padStart(8);
  }
}

function renderFields({ err, ...fields }: LogFields): string {
  const known = err === undefined ? fields : { ...fields, err: describeCauses(err) };
  const shown = Object.entries(known).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value));
  return shown.map(([name, value]) => ` ${name}=${String(value)}`).join('');
}
