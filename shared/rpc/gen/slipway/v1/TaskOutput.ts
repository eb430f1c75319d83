// Original file: proto/slipway/v1/agent.proto


export interface TaskOutput {
  'taskId'?: (string);
  'chunk'?: (Buffer | Uint8Array | string);
}

export interface TaskOutput__Output {
  'taskId': (string);
  'chunk': (Buffer);
}
