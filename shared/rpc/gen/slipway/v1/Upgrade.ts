// Original file: proto/slipway/v1/agent.proto


export interface Upgrade {
  'version'?: (string);
}

export interface Upgrade__Output {
  'version': (string);
}
