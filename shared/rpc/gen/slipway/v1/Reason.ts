// Original file: proto/slipway/v1/agent.proto


export interface Reason {
  'code'?: (string);
  'message'?: (string);
  'hint'?: (string);
}

export interface Reason__Output {
  'code': (string);
  'message': (string);
  'hint': (string);
}
