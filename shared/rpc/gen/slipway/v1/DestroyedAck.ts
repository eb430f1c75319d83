// Original file: proto/slipway/v1/agent.proto


export interface DestroyedAck {
  'appIds'?: (string)[];
}

export interface DestroyedAck__Output {
  'appIds': (string)[];
}
