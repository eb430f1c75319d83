// Original file: proto/slipway/v1/agent.proto

import type { Welcome as _slipway_v1_Welcome, Welcome__Output as _slipway_v1_Welcome__Output } from '../../slipway/v1/Welcome.ts';
import type { DesiredState as _slipway_v1_DesiredState, DesiredState__Output as _slipway_v1_DesiredState__Output } from '../../slipway/v1/DesiredState.ts';
import type { StartTask as _slipway_v1_StartTask, StartTask__Output as _slipway_v1_StartTask__Output } from '../../slipway/v1/StartTask.ts';
import type { CancelTask as _slipway_v1_CancelTask, CancelTask__Output as _slipway_v1_CancelTask__Output } from '../../slipway/v1/CancelTask.ts';
import type { LogQuery as _slipway_v1_LogQuery, LogQuery__Output as _slipway_v1_LogQuery__Output } from '../../slipway/v1/LogQuery.ts';
import type { CancelLogQuery as _slipway_v1_CancelLogQuery, CancelLogQuery__Output as _slipway_v1_CancelLogQuery__Output } from '../../slipway/v1/CancelLogQuery.ts';
import type { FleetRoutes as _slipway_v1_FleetRoutes, FleetRoutes__Output as _slipway_v1_FleetRoutes__Output } from '../../slipway/v1/FleetRoutes.ts';
import type { Upgrade as _slipway_v1_Upgrade, Upgrade__Output as _slipway_v1_Upgrade__Output } from '../../slipway/v1/Upgrade.ts';
import type { EgressTable as _slipway_v1_EgressTable, EgressTable__Output as _slipway_v1_EgressTable__Output } from '../../slipway/v1/EgressTable.ts';
import type { RestartLeave as _slipway_v1_RestartLeave, RestartLeave__Output as _slipway_v1_RestartLeave__Output } from '../../slipway/v1/RestartLeave.ts';
import type { TaskAck as _slipway_v1_TaskAck, TaskAck__Output as _slipway_v1_TaskAck__Output } from '../../slipway/v1/TaskAck.ts';
import type { RunChecks as _slipway_v1_RunChecks, RunChecks__Output as _slipway_v1_RunChecks__Output } from '../../slipway/v1/RunChecks.ts';
import type { OpenAttach as _slipway_v1_OpenAttach, OpenAttach__Output as _slipway_v1_OpenAttach__Output } from '../../slipway/v1/OpenAttach.ts';
import type { CountSwitches as _slipway_v1_CountSwitches, CountSwitches__Output as _slipway_v1_CountSwitches__Output } from '../../slipway/v1/CountSwitches.ts';

export interface ControllerMessage {
  'welcome'?: (_slipway_v1_Welcome | null);
  'desired'?: (_slipway_v1_DesiredState | null);
  'startTask'?: (_slipway_v1_StartTask | null);
  'cancelTask'?: (_slipway_v1_CancelTask | null);
  'logQuery'?: (_slipway_v1_LogQuery | null);
  'cancelLogQuery'?: (_slipway_v1_CancelLogQuery | null);
  'fleetRoutes'?: (_slipway_v1_FleetRoutes | null);
  'upgrade'?: (_slipway_v1_Upgrade | null);
  'egress'?: (_slipway_v1_EgressTable | null);
  'restartLeave'?: (_slipway_v1_RestartLeave | null);
  'taskAck'?: (_slipway_v1_TaskAck | null);
  'runChecks'?: (_slipway_v1_RunChecks | null);
  'openAttach'?: (_slipway_v1_OpenAttach | null);
  'countSwitches'?: (_slipway_v1_CountSwitches | null);
  'body'?: "welcome"|"desired"|"startTask"|"cancelTask"|"logQuery"|"cancelLogQuery"|"fleetRoutes"|"upgrade"|"egress"|"restartLeave"|"taskAck"|"runChecks"|"openAttach"|"countSwitches";
}

export interface ControllerMessage__Output {
  'welcome'?: (_slipway_v1_Welcome__Output | null);
  'desired'?: (_slipway_v1_DesiredState__Output | null);
  'startTask'?: (_slipway_v1_StartTask__Output | null);
  'cancelTask'?: (_slipway_v1_CancelTask__Output | null);
  'logQuery'?: (_slipway_v1_LogQuery__Output | null);
  'cancelLogQuery'?: (_slipway_v1_CancelLogQuery__Output | null);
  'fleetRoutes'?: (_slipway_v1_FleetRoutes__Output | null);
  'upgrade'?: (_slipway_v1_Upgrade__Output | null);
  'egress'?: (_slipway_v1_EgressTable__Output | null);
  'restartLeave'?: (_slipway_v1_RestartLeave__Output | null);
  'taskAck'?: (_slipway_v1_TaskAck__Output | null);
  'runChecks'?: (_slipway_v1_RunChecks__Output | null);
  'openAttach'?: (_slipway_v1_OpenAttach__Output | null);
  'countSwitches'?: (_slipway_v1_CountSwitches__Output | null);
  'body'?: "welcome"|"desired"|"startTask"|"cancelTask"|"logQuery"|"cancelLogQuery"|"fleetRoutes"|"upgrade"|"egress"|"restartLeave"|"taskAck"|"runChecks"|"openAttach"|"countSwitches";
}
