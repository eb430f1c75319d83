// Original file: proto/slipway/v1/agent.proto


export interface HealthCheck {
  'type'?: (string);
  'name'?: (string);
  'probe'?: (string);
  'path'?: (string);
  'port'?: (number);
  'headers'?: ({[key: string]: string});
  'content'?: (string);
  'uptimeMs'?: (number);
  'initialDelayMs'?: (number);
  'timeoutMs'?: (number);
  'attempts'?: (number);
  'waitMs'?: (number);
  'command'?: (string)[];
}

export interface HealthCheck__Output {
  'type': (string);
  'name': (string);
  'probe': (string);
  'path': (string);
  'port': (number);
  'headers': ({[key: string]: string});
  'content': (string);
  'uptimeMs': (number);
  'initialDelayMs': (number);
  'timeoutMs': (number);
  'attempts': (number);
  'waitMs': (number);
  'command': (string)[];
}
