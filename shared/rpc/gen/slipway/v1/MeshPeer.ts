// Original file: proto/slipway/v1/agent.proto


export interface MeshPeer {
  'nodeId'?: (string);
  'name'?: (string);
  'address'?: (string);
  'port'?: (number);
  'plainOnly'?: (boolean);
}

export interface MeshPeer__Output {
  'nodeId': (string);
  'name': (string);
  'address': (string);
  'port': (number);
  'plainOnly': (boolean);
}
