// Original file: proto/slipway/v1/agent.proto


export interface TaskAck {
  'taskId'?: (string);
}

export interface TaskAck__Output {
  'taskId': (string);
}
