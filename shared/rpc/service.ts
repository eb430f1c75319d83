import { join } from 'node:path';
import { loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { ProtoGrpcType } from './gen/agent.ts';

export type { AgentServiceClient } from './gen/slipway/v1/AgentService.ts';
export type {
  AgentMessage as WireAgentMessage,
  AgentMessage__Output as WireAgentMessageOut,
} from './gen/slipway/v1/AgentMessage.ts';
export type {
  AttachedBytes as WireAttachedBytes,
  AttachedBytes__Output as WireAttachedBytesOut,
} from './gen/slipway/v1/AttachedBytes.ts';
export type {
  ControllerMessage as WireControllerMessage,
  ControllerMessage__Output as WireControllerMessageOut,
} from './gen/slipway/v1/ControllerMessage.ts';

/** Both ends refuse messages beyond this; a desired state of 500 instances with 10 kB of config each fits. */
export const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

/**
 * The service, read from the contract's source at run time. Missing lists and scalars become their defaults,
 * missing messages null, 64-bit numbers JavaScript numbers (the codec refuses unsafe ones).
 * @param protoDir folder that holds slipway/v1
 */
export function loadAgentService(
  protoDir = join(import.meta.dirname, '../../proto'),
): ProtoGrpcType['slipway']['v1']['AgentService'] {
  const definition = loadSync('slipway/v1/agent.proto', {
    includeDirs: [protoDir],
    longs: Number,
    defaults: true,
    oneofs: true,
  });
  // the loader's type is generic; the generated one is of the same file
  return (loadPackageDefinition(definition) as unknown as ProtoGrpcType).slipway.v1.AgentService;
}
