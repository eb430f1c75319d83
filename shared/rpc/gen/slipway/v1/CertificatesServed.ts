// Original file: proto/slipway/v1/agent.proto

import type { UnservedCertificate as _slipway_v1_UnservedCertificate, UnservedCertificate__Output as _slipway_v1_UnservedCertificate__Output } from '../../slipway/v1/UnservedCertificate.ts';
import type { Long } from '@grpc/proto-loader';

export interface CertificatesServed {
  'version'?: (number | string | Long);
  'unserved'?: (_slipway_v1_UnservedCertificate)[];
}

export interface CertificatesServed__Output {
  'version': (number);
  'unserved': (_slipway_v1_UnservedCertificate__Output)[];
}
