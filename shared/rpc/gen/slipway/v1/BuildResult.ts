// Original file: proto/slipway/v1/agent.proto

import type { Slug as _slipway_v1_Slug, Slug__Output as _slipway_v1_Slug__Output } from '../../slipway/v1/Slug.ts';
import type { Long } from '@grpc/proto-loader';

export interface BuildResult {
  'slug'?: (_slipway_v1_Slug | null);
  'timingsMs'?: ({[key: string]: number | string});
  'sourceBytes'?: (number | string | Long);
  'uploadedBytes'?: (number | string | Long);
}

export interface BuildResult__Output {
  'slug': (_slipway_v1_Slug__Output | null);
  'timingsMs': ({[key: string]: number});
  'sourceBytes': (number);
  'uploadedBytes': (number);
}
