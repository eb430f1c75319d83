// Original file: proto/slipway/v1/agent.proto


export interface AttachedBytes {
  'streamId'?: (string);
  'data'?: (Buffer | Uint8Array | string);
}

export interface AttachedBytes__Output {
  'streamId': (string);
  'data': (Buffer);
}
