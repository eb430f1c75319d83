import { inspect } from 'node:util';

/** A secret string that prints as `[redacted]` in logs, JSON and inspect. Read it with `reveal()` at the last moment. */
export class Sensitive {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[redacted]';
  }

  toJSON(): string {
    return '[redacted]';
  }

  [inspect.custom](): string {
    return '[redacted]';
  }
}

/** Config variables of an app: name → secret value. */
export type ConfigVars = Readonly<Record<string, Sensitive>>;

/** The plain values, only for the code that writes them to a process or a file. */
export function revealAll(vars: ConfigVars): Record<string, string> {
  return Object.fromEntries(Object.entries(vars).map(([name, value]) => [name, value.reveal()]));
}

/** The reverse of {@link revealAll}. */
export function sealAll(plain: Readonly<Record<string, string>>): ConfigVars {
  return Object.fromEntries(Object.entries(plain).map(([name, value]) => [name, new Sensitive(value)]));
}
