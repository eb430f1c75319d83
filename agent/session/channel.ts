import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { credentials, type ClientDuplexStream } from '@grpc/grpc-js';
import {
  loadAgentService,
  MAX_MESSAGE_BYTES,
  type AgentServiceClient,
  type WireAttachedBytes,
  type WireAttachedBytesOut,
  type WireAgentMessage,
  type WireControllerMessageOut,
} from '../../shared/rpc/service.ts';
import type { NodeTls } from './node-files.ts';

export type SessionCall = ClientDuplexStream<WireAgentMessage, WireControllerMessageOut>;

/** The bytes of one stream between a user and a sandbox. */
export type AttachCall = ClientDuplexStream<WireAttachedBytes, WireAttachedBytesOut>;

export interface ChannelSettings {
  /** `host:port` */
  readonly address: string;
  /** The name in the controller's certificate, if it is not the host of the address. */
  readonly serverName?: string | undefined;
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
}

export interface Channel {
  open(): SessionCall;
  attach(): AttachCall;
  close(): void;
}

const ANY_NAME = 'slipway-controller';

export type OpenChannel = (tls: NodeTls, settings: ChannelSettings) => Channel;

/** Each channel has its own TLS context and connection. The protocol definition is read once. */
export function createChannels(): OpenChannel {
  const Service = loadAgentService();
  return (tls, settings) => {
    const name =
      settings.serverName ?? settings.address.slice(0, settings.address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
    const secure = credentials.createSsl(Buffer.from(tls.ca), Buffer.from(tls.key), Buffer.from(tls.certificate), {
      checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    });
    const client: AgentServiceClient = new Service(settings.address, secure, {
      'grpc.keepalive_time_ms': settings.keepaliveTimeMs,
      'grpc.keepalive_timeout_ms': settings.keepaliveTimeoutMs,
      'grpc.keepalive_permit_without_calls': 1,
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
      'grpc.enable_http_proxy': 0,
      // The name in the handshake cannot be an address. The name in the certificate is checked above.
      'grpc.ssl_target_name_override': isIP(name) === 0 ? name : ANY_NAME,
      ...(settings.serverName === undefined ? {} : { 'grpc.default_authority': settings.serverName }),
    });
    return { open: () => client.Session(), attach: () => client.Attach(), close: () => client.close() };
  };
}
