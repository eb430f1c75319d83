import { DnsFailure, type ProofResolver } from '../../controller/certificates/preflight/resolver.ts';

/** Name servers of a test, as far as proofs of domains ask them. */
export class FakeDns implements ProofResolver {
  readonly texts = new Map<string, readonly string[]>();
  readonly aliases = new Map<string, string>();
  /** Names for which the servers give no answer. */
  readonly silent = new Set<string>();
  readonly asked: string[] = [];

  addText(name: string, value: string): void {
    this.texts.set(name, [...(this.texts.get(name) ?? []), value]);
  }

  txt(name: string): Promise<readonly string[]> {
    return this.#answer(name, this.texts.get(name) ?? []);
  }

  alias(name: string): Promise<string | undefined> {
    return this.#answer(name, this.aliases.get(name));
  }

  #answer<T>(name: string, answer: T): Promise<T> {
    this.asked.push(name);
    return this.silent.has(name) ? Promise.reject(new DnsFailure('SERVFAIL', undefined)) : Promise.resolve(answer);
  }
}
