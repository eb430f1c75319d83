// Original file: proto/slipway/v1/agent.proto


export interface OpenAttach {
  'streamId'?: (string);
  'sandboxId'?: (string);
  'waits'?: (boolean);
}

export interface OpenAttach__Output {
  'streamId': (string);
  'sandboxId': (string);
  'waits': (boolean);
}
