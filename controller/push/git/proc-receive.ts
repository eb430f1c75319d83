import { encodePkt, FLUSH_PKT, PktDecoder, PktLineError, type Pkt } from './pkt-line.ts';

/** The proc-receive hook's side of `git receive-pack`, protocol version 1 (githooks(5)). */

export const NO_COMMIT = '0'.repeat(40);

/** One ref that the client asks to change. */
export interface RefCommand {
  readonly oldCommit: string;
  readonly newCommit: string;
  readonly ref: string;
}

export interface ProcReceiveRequest {
  readonly atomic: boolean;
  /** True when the push has too many refs. Then no ref changes. */
  readonly tooMany: boolean;
  readonly commands: readonly RefCommand[];
}

/** `done`: the controller updated the ref. `store`: git updates it. `refuse`: the client prints the reason. */
export type RefResult =
  | { readonly kind: 'done'; readonly ref: string }
  | { readonly kind: 'store'; readonly ref: string }
  | { readonly kind: 'refuse'; readonly ref: string; readonly reason: string };

const COMMAND = /^([0-9a-f]{40}) ([0-9a-f]{40}) (.+)$/s;
const MAX_REASON_CHARS = 300;
/** Each ref is a file on the controller's disk. Projects have far fewer. A larger push can be done in parts. */
export const MAX_REFS = 5_000;

export const HELLO: Buffer = Buffer.concat([encodePkt('version=1\n'), FLUSH_PKT]);

/** Collects the messages of git to the hook: the greeting, then the commands. */
export class ProcReceiveParser {
  readonly #decoder = new PktDecoder();
  readonly #commands: RefCommand[] = [];
  #section: 'hello' | 'commands' | 'done' = 'hello';
  #atomic = false;
  #tooMany = false;

  /**
   * Returns `greeted` when the greeting is complete: then answer with {@link HELLO}. Returns the request when all commands have arrived.
   * @throws PktLineError when the protocol is not known
   */
  push(chunk: Uint8Array): { greeted: boolean; request?: ProcReceiveRequest } {
    const before = this.#section;
    for (const pkt of this.#decoder.push(chunk)) this.#take(pkt);
    const greeted = before === 'hello' && this.#section !== 'hello';
    return this.#section === 'done' && before !== 'done'
      ? { greeted, request: { atomic: this.#atomic, tooMany: this.#tooMany, commands: this.#commands } }
      : { greeted };
  }

  #take(pkt: Pkt): void {
    if (pkt === 'flush') {
      this.#section = this.#section === 'hello' ? 'commands' : 'done';
      return;
    }
    if (typeof pkt === 'string') throw new PktLineError(`unexpected ${pkt} packet`);
    const text = pkt.toString('utf8').replace(/\n$/, '');
    if (this.#section === 'hello') this.#readGreeting(text);
    else if (this.#section === 'commands') this.#command(text);
  }

  #command(text: string): void {
    this.#tooMany ||= this.#commands.length >= MAX_REFS;
    if (!this.#tooMany) this.#commands.push(parseCommand(text));
  }

  #readGreeting(text: string): void {
    const [version, capabilities = ''] = text.split('\0');
    if (version !== 'version=1') throw new PktLineError(`proc-receive ${JSON.stringify(version)}`);
    this.#atomic = capabilities.split(' ').includes('atomic');
  }
}

function parseCommand(text: string): RefCommand {
  const match = COMMAND.exec(text);
  if (match?.[1] === undefined || match[2] === undefined || match[3] === undefined) {
    throw new PktLineError(`proc-receive command ${JSON.stringify(text.slice(0, 100))}`);
  }
  return { oldCommit: match[1], newCommit: match[2], ref: match[3] };
}

/** The answer of the hook, in the order of the commands. */
export function encodeResults(results: readonly RefResult[]): Buffer {
  return Buffer.concat([...results.flatMap(encodeResult), FLUSH_PKT]);
}

function encodeResult(result: RefResult): Buffer[] {
  switch (result.kind) {
    case 'done':
      return [encodePkt(`ok ${result.ref}`)];
    case 'store':
      return [encodePkt(`ok ${result.ref}`), encodePkt('option fall-through')];
    case 'refuse':
      return [encodePkt(`ng ${result.ref} ${oneLine(result.reason)}`)];
  }
}

function oneLine(reason: string): string {
  const line = reason
    .replaceAll(/[\u0000-\u0020\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+/g, ' ')
    .trim();
  return line.length > MAX_REASON_CHARS ? `${line.slice(0, MAX_REASON_CHARS - 1)}…` : line || 'refused';
}
