// Original file: proto/slipway/v1/agent.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AgentMessage as _slipway_v1_AgentMessage, AgentMessage__Output as _slipway_v1_AgentMessage__Output } from '../../slipway/v1/AgentMessage.ts';
import type { AttachedBytes as _slipway_v1_AttachedBytes, AttachedBytes__Output as _slipway_v1_AttachedBytes__Output } from '../../slipway/v1/AttachedBytes.ts';
import type { ControllerMessage as _slipway_v1_ControllerMessage, ControllerMessage__Output as _slipway_v1_ControllerMessage__Output } from '../../slipway/v1/ControllerMessage.ts';

export interface AgentServiceClient extends grpc.Client {
  Attach(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_slipway_v1_AttachedBytes, _slipway_v1_AttachedBytes__Output>;
  Attach(options?: grpc.CallOptions): grpc.ClientDuplexStream<_slipway_v1_AttachedBytes, _slipway_v1_AttachedBytes__Output>;
  attach(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_slipway_v1_AttachedBytes, _slipway_v1_AttachedBytes__Output>;
  attach(options?: grpc.CallOptions): grpc.ClientDuplexStream<_slipway_v1_AttachedBytes, _slipway_v1_AttachedBytes__Output>;
  
  Session(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_slipway_v1_AgentMessage, _slipway_v1_ControllerMessage__Output>;
  Session(options?: grpc.CallOptions): grpc.ClientDuplexStream<_slipway_v1_AgentMessage, _slipway_v1_ControllerMessage__Output>;
  session(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_slipway_v1_AgentMessage, _slipway_v1_ControllerMessage__Output>;
  session(options?: grpc.CallOptions): grpc.ClientDuplexStream<_slipway_v1_AgentMessage, _slipway_v1_ControllerMessage__Output>;
  
}

export interface AgentServiceHandlers extends grpc.UntypedServiceImplementation {
  Attach: grpc.handleBidiStreamingCall<_slipway_v1_AttachedBytes__Output, _slipway_v1_AttachedBytes>;
  
  Session: grpc.handleBidiStreamingCall<_slipway_v1_AgentMessage__Output, _slipway_v1_ControllerMessage>;
  
}

export interface AgentServiceDefinition extends grpc.ServiceDefinition {
  Attach: MethodDefinition<_slipway_v1_AttachedBytes, _slipway_v1_AttachedBytes, _slipway_v1_AttachedBytes__Output, _slipway_v1_AttachedBytes__Output>
  Session: MethodDefinition<_slipway_v1_AgentMessage, _slipway_v1_ControllerMessage, _slipway_v1_AgentMessage__Output, _slipway_v1_ControllerMessage__Output>
}
