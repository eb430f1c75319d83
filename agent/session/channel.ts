import { credentials, type ClientDuplexStream } from '@grpc/grpc-js';
import {
  loadAgentService,
  MAX_MESSAGE_BYTES,
  type AgentServiceClient,
  type WireAgentMessage,
  type WireControllerMessageOut,
} from '../../shared/rpc/service.ts';
import type { NodeTls } from './node-files.ts';

export type SessionCall = ClientDuplexStream<WireAgentMessage, WireControllerMessageOut>;

export interface ChannelSettings {
  /** `host:port` */
  readonly address: string;
  /** The name the controller's certificate must carry when it is not the host of the address. */
  readonly serverName?: string | undefined;
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
}

export interface Channel {
  open(): SessionCall;
  close(): void;
}

export type OpenChannel = (tls: NodeTls, settings: ChannelSettings) => Channel;

/** Makes channels of its own TLS context and connection each; the contract is read once. */
export function createChannels(): OpenChannel {
  const Service = loadAgentService();
  return (tls, settings) => {
    const secure = credentials.createSsl(Buffer.from(tls.ca), Buffer.from(tls.key), Buffer.from(tls.certificate));
    const client: AgentServiceClient = new Service(settings.address, secure, {
      'grpc.keepalive_time_ms': settings.keepaliveTimeMs,
      'grpc.keepalive_timeout_ms': settings.keepaliveTimeoutMs,
      'grpc.keepalive_permit_without_calls': 1,
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
      'grpc.enable_http_proxy': 0,
      ...(settings.serverName === undefined
        ? {}
        : { 'grpc.ssl_target_name_override': settings.serverName, 'grpc.default_authority': settings.serverName }),
    });
    return { open: () => client.Session(), close: () => client.close() };
  };
}
