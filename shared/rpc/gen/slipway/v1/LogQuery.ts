// Original file: proto/slipway/v1/agent.proto


export interface LogQuery {
  'queryId'?: (string);
  'app'?: (string);
  'process'?: (string);
  'lines'?: (number);
  'follow'?: (boolean);
  'source'?: (string);
  'appId'?: (string);
}

export interface LogQuery__Output {
  'queryId': (string);
  'app': (string);
  'process': (string);
  'lines': (number);
  'follow': (boolean);
  'source': (string);
  'appId': (string);
}
