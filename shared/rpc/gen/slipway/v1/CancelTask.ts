// Original file: proto/slipway/v1/agent.proto


export interface CancelTask {
  'taskId'?: (string);
}

export interface CancelTask__Output {
  'taskId': (string);
}
