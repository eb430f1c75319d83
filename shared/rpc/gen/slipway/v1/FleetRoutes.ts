// Original file: proto/slipway/v1/agent.proto

import type { Epoch as _slipway_v1_Epoch, Epoch__Output as _slipway_v1_Epoch__Output } from '../../slipway/v1/Epoch.ts';
import type { MeshPeer as _slipway_v1_MeshPeer, MeshPeer__Output as _slipway_v1_MeshPeer__Output } from '../../slipway/v1/MeshPeer.ts';
import type { FleetApp as _slipway_v1_FleetApp, FleetApp__Output as _slipway_v1_FleetApp__Output } from '../../slipway/v1/FleetApp.ts';
import type { FleetCertificate as _slipway_v1_FleetCertificate, FleetCertificate__Output as _slipway_v1_FleetCertificate__Output } from '../../slipway/v1/FleetCertificate.ts';
import type { Long } from '@grpc/proto-loader';

export interface FleetRoutes {
  'epoch'?: (_slipway_v1_Epoch | null);
  'version'?: (number | string | Long);
  'baseVersion'?: (number | string | Long);
  'peers'?: (_slipway_v1_MeshPeer)[];
  'apps'?: (_slipway_v1_FleetApp)[];
  'removedNodeIds'?: (string)[];
  'removedAppIds'?: (string)[];
  'refusedCertificates'?: (string)[];
  'sameAs'?: (string);
  'certificates'?: (_slipway_v1_FleetCertificate)[];
  'removedCertificateIds'?: (string)[];
  'acmeThumbprint'?: (string);
  'trustedFronts'?: (string)[];
  'proxyProtocolFronts'?: (string)[];
}

export interface FleetRoutes__Output {
  'epoch': (_slipway_v1_Epoch__Output | null);
  'version': (number);
  'baseVersion': (number);
  'peers': (_slipway_v1_MeshPeer__Output)[];
  'apps': (_slipway_v1_FleetApp__Output)[];
  'removedNodeIds': (string)[];
  'removedAppIds': (string)[];
  'refusedCertificates': (string)[];
  'sameAs': (string);
  'certificates': (_slipway_v1_FleetCertificate__Output)[];
  'removedCertificateIds': (string)[];
  'acmeThumbprint': (string);
  'trustedFronts': (string)[];
  'proxyProtocolFronts': (string)[];
}
