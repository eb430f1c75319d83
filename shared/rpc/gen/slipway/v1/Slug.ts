// Original file: proto/slipway/v1/agent.proto

import type { Layer as _slipway_v1_Layer, Layer__Output as _slipway_v1_Layer__Output } from '../../slipway/v1/Layer.ts';
import type { HealthChecks as _slipway_v1_HealthChecks, HealthChecks__Output as _slipway_v1_HealthChecks__Output } from '../../slipway/v1/HealthChecks.ts';
import type { CronEntry as _slipway_v1_CronEntry, CronEntry__Output as _slipway_v1_CronEntry__Output } from '../../slipway/v1/CronEntry.ts';

export interface Slug {
  'layers'?: (_slipway_v1_Layer)[];
  'processTypes'?: ({[key: string]: string});
  'stack'?: (string);
  'platform'?: (string);
  'commit'?: (string);
  'buildpacks'?: (string)[];
  'defaultConfig'?: ({[key: string]: string});
  'checks'?: ({[key: string]: _slipway_v1_HealthChecks});
  'cron'?: (_slipway_v1_CronEntry)[];
}

export interface Slug__Output {
  'layers': (_slipway_v1_Layer__Output)[];
  'processTypes': ({[key: string]: string});
  'stack': (string);
  'platform': (string);
  'commit': (string);
  'buildpacks': (string)[];
  'defaultConfig': ({[key: string]: string});
  'checks': ({[key: string]: _slipway_v1_HealthChecks__Output});
  'cron': (_slipway_v1_CronEntry__Output)[];
}
