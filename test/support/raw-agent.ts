import type { TestContext } from 'node:test';
import { createChannels, type SessionCall } from '../../agent/session/channel.ts';
import type { NodeTls } from '../../agent/session/node-files.ts';
import type { WireAgentMessage, WireControllerMessageOut } from '../../shared/rpc/service.ts';

/** An agent without any rules: it sends any message, and reads only when the test says so. */
export interface RawAgent {
  readonly heard: WireControllerMessageOut[];
  readonly call: SessionCall;
  /** Bytes and messages that are written at once, even when the stream is full. */
  send(...messages: readonly WireAgentMessage[]): void;
  /** The reason why the stream ended. Undefined while it is open. */
  readonly ended: string | undefined;
}

export const HELLO: NonNullable<WireAgentMessage['hello']> = {
  agentVersion: '0.1.0',
  facts: { os: 'debian-12', arch: 'x64', cpus: 2, sandboxDriver: 'fake', stacks: ['host'], builder: true },
  takesFleetRoutes: true,
};

export function openRawAgent(t: TestContext, rig: { readonly port: number }, tls: NodeTls): RawAgent {
  const channel = createChannels()(tls, {
    address: `localhost:${String(rig.port)}`,
    keepaliveTimeMs: 20_000,
    keepaliveTimeoutMs: 10_000,
  });
  const call = channel.open();
  const heard: WireControllerMessageOut[] = [];
  let ended: string | undefined;
  call.on('data', (message: WireControllerMessageOut) => heard.push(message));
  call.on('error', (error: Error) => (ended ??= error.message));
  call.on('end', () => (ended ??= 'end'));
  t.after(() => {
    call.cancel();
    channel.close();
  });
  return {
    ...{ heard, call },
    send: (...messages) => {
      for (const message of messages) call.write(message);
    },
    get ended() {
      return ended;
    },
  };
}
