// Original file: proto/slipway/v1/agent.proto


export interface AppEgress {
  'app'?: (string);
  'cidrs'?: (string)[];
  'uidBase'?: (number);
}

export interface AppEgress__Output {
  'app': (string);
  'cidrs': (string)[];
  'uidBase': (number);
}
