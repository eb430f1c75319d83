// Original file: proto/slipway/v1/agent.proto


export interface DestroyedApp {
  'appId'?: (string);
  'uidBase'?: (number);
}

export interface DestroyedApp__Output {
  'appId': (string);
  'uidBase': (number);
}
