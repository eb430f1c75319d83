// Original file: proto/slipway/v1/agent.proto

import type { Hello as _slipway_v1_Hello, Hello__Output as _slipway_v1_Hello__Output } from '../../slipway/v1/Hello.ts';
import type { Heartbeat as _slipway_v1_Heartbeat, Heartbeat__Output as _slipway_v1_Heartbeat__Output } from '../../slipway/v1/Heartbeat.ts';
import type { DesiredAck as _slipway_v1_DesiredAck, DesiredAck__Output as _slipway_v1_DesiredAck__Output } from '../../slipway/v1/DesiredAck.ts';
import type { InstanceReport as _slipway_v1_InstanceReport, InstanceReport__Output as _slipway_v1_InstanceReport__Output } from '../../slipway/v1/InstanceReport.ts';
import type { TaskOutput as _slipway_v1_TaskOutput, TaskOutput__Output as _slipway_v1_TaskOutput__Output } from '../../slipway/v1/TaskOutput.ts';
import type { TaskResult as _slipway_v1_TaskResult, TaskResult__Output as _slipway_v1_TaskResult__Output } from '../../slipway/v1/TaskResult.ts';
import type { LogChunk as _slipway_v1_LogChunk, LogChunk__Output as _slipway_v1_LogChunk__Output } from '../../slipway/v1/LogChunk.ts';
import type { NodeEvent as _slipway_v1_NodeEvent, NodeEvent__Output as _slipway_v1_NodeEvent__Output } from '../../slipway/v1/NodeEvent.ts';
import type { RoutesAck as _slipway_v1_RoutesAck, RoutesAck__Output as _slipway_v1_RoutesAck__Output } from '../../slipway/v1/RoutesAck.ts';
import type { DestroyedAck as _slipway_v1_DestroyedAck, DestroyedAck__Output as _slipway_v1_DestroyedAck__Output } from '../../slipway/v1/DestroyedAck.ts';
import type { SwitchFigures as _slipway_v1_SwitchFigures, SwitchFigures__Output as _slipway_v1_SwitchFigures__Output } from '../../slipway/v1/SwitchFigures.ts';
import type { CertificatesServed as _slipway_v1_CertificatesServed, CertificatesServed__Output as _slipway_v1_CertificatesServed__Output } from '../../slipway/v1/CertificatesServed.ts';

export interface AgentMessage {
  'hello'?: (_slipway_v1_Hello | null);
  'heartbeat'?: (_slipway_v1_Heartbeat | null);
  'desiredAck'?: (_slipway_v1_DesiredAck | null);
  'instanceReport'?: (_slipway_v1_InstanceReport | null);
  'taskOutput'?: (_slipway_v1_TaskOutput | null);
  'taskResult'?: (_slipway_v1_TaskResult | null);
  'logChunk'?: (_slipway_v1_LogChunk | null);
  'nodeEvent'?: (_slipway_v1_NodeEvent | null);
  'routesAck'?: (_slipway_v1_RoutesAck | null);
  'destroyedAck'?: (_slipway_v1_DestroyedAck | null);
  'switchFigures'?: (_slipway_v1_SwitchFigures | null);
  'certificatesServed'?: (_slipway_v1_CertificatesServed | null);
  'body'?: "hello"|"heartbeat"|"desiredAck"|"instanceReport"|"taskOutput"|"taskResult"|"logChunk"|"nodeEvent"|"routesAck"|"destroyedAck"|"switchFigures"|"certificatesServed";
}

export interface AgentMessage__Output {
  'hello'?: (_slipway_v1_Hello__Output | null);
  'heartbeat'?: (_slipway_v1_Heartbeat__Output | null);
  'desiredAck'?: (_slipway_v1_DesiredAck__Output | null);
  'instanceReport'?: (_slipway_v1_InstanceReport__Output | null);
  'taskOutput'?: (_slipway_v1_TaskOutput__Output | null);
  'taskResult'?: (_slipway_v1_TaskResult__Output | null);
  'logChunk'?: (_slipway_v1_LogChunk__Output | null);
  'nodeEvent'?: (_slipway_v1_NodeEvent__Output | null);
  'routesAck'?: (_slipway_v1_RoutesAck__Output | null);
  'destroyedAck'?: (_slipway_v1_DestroyedAck__Output | null);
  'switchFigures'?: (_slipway_v1_SwitchFigures__Output | null);
  'certificatesServed'?: (_slipway_v1_CertificatesServed__Output | null);
  'body'?: "hello"|"heartbeat"|"desiredAck"|"instanceReport"|"taskOutput"|"taskResult"|"logChunk"|"nodeEvent"|"routesAck"|"destroyedAck"|"switchFigures"|"certificatesServed";
}
