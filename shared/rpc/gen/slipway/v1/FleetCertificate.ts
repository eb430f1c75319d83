// Original file: proto/slipway/v1/agent.proto


export interface FleetCertificate {
  'id'?: (string);
  'fingerprint'?: (string);
  'names'?: (string)[];
}

export interface FleetCertificate__Output {
  'id': (string);
  'fingerprint': (string);
  'names': (string)[];
}
