// Original file: proto/slipway/v1/agent.proto

import type { Epoch as _slipway_v1_Epoch, Epoch__Output as _slipway_v1_Epoch__Output } from '../../slipway/v1/Epoch.ts';
import type { Assignment as _slipway_v1_Assignment, Assignment__Output as _slipway_v1_Assignment__Output } from '../../slipway/v1/Assignment.ts';
import type { Route as _slipway_v1_Route, Route__Output as _slipway_v1_Route__Output } from '../../slipway/v1/Route.ts';
import type { ReleaseContent as _slipway_v1_ReleaseContent, ReleaseContent__Output as _slipway_v1_ReleaseContent__Output } from '../../slipway/v1/ReleaseContent.ts';
import type { WithheldInstance as _slipway_v1_WithheldInstance, WithheldInstance__Output as _slipway_v1_WithheldInstance__Output } from '../../slipway/v1/WithheldInstance.ts';
import type { DestroyedApp as _slipway_v1_DestroyedApp, DestroyedApp__Output as _slipway_v1_DestroyedApp__Output } from '../../slipway/v1/DestroyedApp.ts';
import type { Long } from '@grpc/proto-loader';

export interface DesiredState {
  'epoch'?: (_slipway_v1_Epoch | null);
  'generation'?: (number | string | Long);
  'assignments'?: (_slipway_v1_Assignment)[];
  'routes'?: (_slipway_v1_Route)[];
  'massStopReason'?: (string);
  'releases'?: (_slipway_v1_ReleaseContent)[];
  'withheld'?: (_slipway_v1_WithheldInstance)[];
  'destroyed'?: (_slipway_v1_DestroyedApp)[];
}

export interface DesiredState__Output {
  'epoch': (_slipway_v1_Epoch__Output | null);
  'generation': (number);
  'assignments': (_slipway_v1_Assignment__Output)[];
  'routes': (_slipway_v1_Route__Output)[];
  'massStopReason': (string);
  'releases': (_slipway_v1_ReleaseContent__Output)[];
  'withheld': (_slipway_v1_WithheldInstance__Output)[];
  'destroyed': (_slipway_v1_DestroyedApp__Output)[];
}
