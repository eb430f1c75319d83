import { EventEmitter } from 'node:events';
import type { AgentCall } from '../../../controller/dispatch/agent-session.ts';
import type { SessionCall } from '../../../agent/session/channel.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import { loadAgentService } from '../../../shared/rpc/service.ts';

const method = loadAgentService().service.Session;
const UNAVAILABLE = 14;

export interface WireSettings {
  readonly clock: Clock;
  readonly latencyMs: () => number;
  /** Of the agent's certificate. */
  readonly serial: string;
  readonly name: string;
}

/** A stream between an agent and a controller. It carries the real messages as bytes, timed by the virtual clock. */
export class Wire {
  readonly agentEnd: SessionCall;
  readonly controllerEnd: AgentCall;
  readonly #settings: WireSettings;
  readonly #agent = new EventEmitter();
  readonly #controller = new EventEmitter();
  readonly #held: Buffer[] = [];
  readonly #lastAtMs = { up: 0, down: 0 };
  #paused = false;
  #open = true;
  #mute = false;

  constructor(settings: WireSettings) {
    this.#settings = settings;
    this.#agent.on('error', () => undefined);
    this.#controller.on('error', (error) => {
      this.#close(error as object);
    });
    this.agentEnd = Object.assign(this.#agent, {
      write: (message: object) => this.#up(method.requestSerialize(message)),
      cancel: () => {
        this.cut('cancelled');
      },
    }) as unknown as SessionCall;
    this.controllerEnd = Object.assign(this.#controller, {
      write: (message: object) => this.#down(method.responseSerialize(message)),
      end: () => {
        this.#close({ code: 0, details: '' });
      },
      pause: () => {
        this.#paused = true;
      },
      resume: () => {
        this.#resume();
      },
      getAuthContext: () => ({ sslPeerCertificate: { serialNumber: settings.serial } }),
      getPeer: () => settings.name,
      writableNeedDrain: false,
    }) as unknown as AgentCall;
  }

  get open(): boolean {
    return this.#open;
  }

  /** Drops everything, like a firewall. Both ends notice nothing. */
  mute(): void {
    this.#mute = true;
  }

  /** Breaks the connection. Both ends notice it, and messages in flight are lost. */
  cut(details = 'connection reset'): void {
    if (!this.#open) return;
    this.#open = false;
    this.#agent.emit('error', Object.assign(new Error(details), { code: UNAVAILABLE, details }));
    this.#controller.emit('cancelled');
  }

  #up(bytes: Buffer): boolean {
    this.#carry('up', () => {
      if (this.#paused) this.#held.push(bytes);
      else this.#controller.emit('data', method.requestDeserialize(bytes));
    });
    return true;
  }

  #down(bytes: Buffer): boolean {
    this.#carry('down', () => this.#agent.emit('data', method.responseDeserialize(bytes)));
    return true;
  }

  /** Delivers messages in order, whatever time each takes. */
  #carry(way: 'up' | 'down', deliver: () => void): void {
    const { clock, latencyMs } = this.#settings;
    const atMs = Math.max(this.#lastAtMs[way], clock.monotonicMs() + latencyMs());
    this.#lastAtMs[way] = atMs;
    void clock.sleep(atMs - clock.monotonicMs()).then(() => {
      if (this.#open && !this.#mute) deliver();
    });
  }

  /** A listener may pause the stream again, or end it. */
  #resume(): void {
    this.#paused = false;
    const held = this.#held.splice(0);
    for (const bytes of held) {
      if (this.#held.length > 0 || this.#isPaused()) this.#held.push(bytes);
      else if (this.#open) this.#controller.emit('data', method.requestDeserialize(bytes));
    }
  }

  #isPaused(): boolean {
    return this.#paused;
  }

  /** The controller ends the stream. Its earlier messages still arrive. */
  #close(status: object): void {
    this.#carry('down', () => {
      this.#open = false;
      this.#agent.emit('error', Object.assign(new Error('ended by the controller'), status));
      this.#controller.emit('close');
    });
  }
}
