// Original file: proto/slipway/v1/agent.proto


export interface WithheldInstance {
  'instanceId'?: (string);
  'desired'?: (string);
}

export interface WithheldInstance__Output {
  'instanceId': (string);
  'desired': (string);
}
