// Original file: proto/slipway/v1/agent.proto


export interface CancelLogQuery {
  'queryId'?: (string);
}

export interface CancelLogQuery__Output {
  'queryId': (string);
}
