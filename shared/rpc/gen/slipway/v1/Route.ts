// Original file: proto/slipway/v1/agent.proto


export interface Route {
  'hostname'?: (string);
  'appId'?: (string);
  'app'?: (string);
}

export interface Route__Output {
  'hostname': (string);
  'appId': (string);
  'app': (string);
}
