// Original file: proto/slipway/v1/agent.proto

import type { Reason as _slipway_v1_Reason, Reason__Output as _slipway_v1_Reason__Output } from '../../slipway/v1/Reason.ts';

export interface UnservedCertificate {
  'id'?: (string);
  'servedFingerprint'?: (string);
  'reason'?: (_slipway_v1_Reason | null);
}

export interface UnservedCertificate__Output {
  'id': (string);
  'servedFingerprint': (string);
  'reason': (_slipway_v1_Reason__Output | null);
}
