// Original file: proto/slipway/v1/agent.proto


export interface FleetApp {
  'appId'?: (string);
  'app'?: (string);
  'hostnames'?: (string)[];
  'nodeIds'?: (string)[];
}

export interface FleetApp__Output {
  'appId': (string);
  'app': (string);
  'hostnames': (string)[];
  'nodeIds': (string)[];
}
