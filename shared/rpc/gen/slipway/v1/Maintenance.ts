// Original file: proto/slipway/v1/agent.proto


export interface Maintenance {
  'page'?: (string);
}

export interface Maintenance__Output {
  'page': (string);
}
