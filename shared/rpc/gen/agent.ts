import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { AgentMessage as _slipway_v1_AgentMessage, AgentMessage__Output as _slipway_v1_AgentMessage__Output } from './slipway/v1/AgentMessage.ts';
import type { AgentServiceClient as _slipway_v1_AgentServiceClient, AgentServiceDefinition as _slipway_v1_AgentServiceDefinition } from './slipway/v1/AgentService.ts';
import type { AppEgress as _slipway_v1_AppEgress, AppEgress__Output as _slipway_v1_AppEgress__Output } from './slipway/v1/AppEgress.ts';
import type { Assignment as _slipway_v1_Assignment, Assignment__Output as _slipway_v1_Assignment__Output } from './slipway/v1/Assignment.ts';
import type { AttachedBytes as _slipway_v1_AttachedBytes, AttachedBytes__Output as _slipway_v1_AttachedBytes__Output } from './slipway/v1/AttachedBytes.ts';
import type { BuildResult as _slipway_v1_BuildResult, BuildResult__Output as _slipway_v1_BuildResult__Output } from './slipway/v1/BuildResult.ts';
import type { CancelLogQuery as _slipway_v1_CancelLogQuery, CancelLogQuery__Output as _slipway_v1_CancelLogQuery__Output } from './slipway/v1/CancelLogQuery.ts';
import type { CancelTask as _slipway_v1_CancelTask, CancelTask__Output as _slipway_v1_CancelTask__Output } from './slipway/v1/CancelTask.ts';
import type { CertificatesServed as _slipway_v1_CertificatesServed, CertificatesServed__Output as _slipway_v1_CertificatesServed__Output } from './slipway/v1/CertificatesServed.ts';
import type { CheckResult as _slipway_v1_CheckResult, CheckResult__Output as _slipway_v1_CheckResult__Output } from './slipway/v1/CheckResult.ts';
import type { Command as _slipway_v1_Command, Command__Output as _slipway_v1_Command__Output } from './slipway/v1/Command.ts';
import type { CommandResult as _slipway_v1_CommandResult, CommandResult__Output as _slipway_v1_CommandResult__Output } from './slipway/v1/CommandResult.ts';
import type { ControllerMessage as _slipway_v1_ControllerMessage, ControllerMessage__Output as _slipway_v1_ControllerMessage__Output } from './slipway/v1/ControllerMessage.ts';
import type { CountSwitches as _slipway_v1_CountSwitches, CountSwitches__Output as _slipway_v1_CountSwitches__Output } from './slipway/v1/CountSwitches.ts';
import type { Crashes as _slipway_v1_Crashes, Crashes__Output as _slipway_v1_Crashes__Output } from './slipway/v1/Crashes.ts';
import type { CronEntry as _slipway_v1_CronEntry, CronEntry__Output as _slipway_v1_CronEntry__Output } from './slipway/v1/CronEntry.ts';
import type { DesiredAck as _slipway_v1_DesiredAck, DesiredAck__Output as _slipway_v1_DesiredAck__Output } from './slipway/v1/DesiredAck.ts';
import type { DesiredState as _slipway_v1_DesiredState, DesiredState__Output as _slipway_v1_DesiredState__Output } from './slipway/v1/DesiredState.ts';
import type { DestroyedAck as _slipway_v1_DestroyedAck, DestroyedAck__Output as _slipway_v1_DestroyedAck__Output } from './slipway/v1/DestroyedAck.ts';
import type { DestroyedApp as _slipway_v1_DestroyedApp, DestroyedApp__Output as _slipway_v1_DestroyedApp__Output } from './slipway/v1/DestroyedApp.ts';
import type { EgressTable as _slipway_v1_EgressTable, EgressTable__Output as _slipway_v1_EgressTable__Output } from './slipway/v1/EgressTable.ts';
import type { Epoch as _slipway_v1_Epoch, Epoch__Output as _slipway_v1_Epoch__Output } from './slipway/v1/Epoch.ts';
import type { Exit as _slipway_v1_Exit, Exit__Output as _slipway_v1_Exit__Output } from './slipway/v1/Exit.ts';
import type { FleetApp as _slipway_v1_FleetApp, FleetApp__Output as _slipway_v1_FleetApp__Output } from './slipway/v1/FleetApp.ts';
import type { FleetCertificate as _slipway_v1_FleetCertificate, FleetCertificate__Output as _slipway_v1_FleetCertificate__Output } from './slipway/v1/FleetCertificate.ts';
import type { FleetRoutes as _slipway_v1_FleetRoutes, FleetRoutes__Output as _slipway_v1_FleetRoutes__Output } from './slipway/v1/FleetRoutes.ts';
import type { HealthCheck as _slipway_v1_HealthCheck, HealthCheck__Output as _slipway_v1_HealthCheck__Output } from './slipway/v1/HealthCheck.ts';
import type { HealthChecks as _slipway_v1_HealthChecks, HealthChecks__Output as _slipway_v1_HealthChecks__Output } from './slipway/v1/HealthChecks.ts';
import type { Heartbeat as _slipway_v1_Heartbeat, Heartbeat__Output as _slipway_v1_Heartbeat__Output } from './slipway/v1/Heartbeat.ts';
import type { Hello as _slipway_v1_Hello, Hello__Output as _slipway_v1_Hello__Output } from './slipway/v1/Hello.ts';
import type { HostCheck as _slipway_v1_HostCheck, HostCheck__Output as _slipway_v1_HostCheck__Output } from './slipway/v1/HostCheck.ts';
import type { HttpsRules as _slipway_v1_HttpsRules, HttpsRules__Output as _slipway_v1_HttpsRules__Output } from './slipway/v1/HttpsRules.ts';
import type { InstanceReport as _slipway_v1_InstanceReport, InstanceReport__Output as _slipway_v1_InstanceReport__Output } from './slipway/v1/InstanceReport.ts';
import type { InstanceStatus as _slipway_v1_InstanceStatus, InstanceStatus__Output as _slipway_v1_InstanceStatus__Output } from './slipway/v1/InstanceStatus.ts';
import type { Layer as _slipway_v1_Layer, Layer__Output as _slipway_v1_Layer__Output } from './slipway/v1/Layer.ts';
import type { Limits as _slipway_v1_Limits, Limits__Output as _slipway_v1_Limits__Output } from './slipway/v1/Limits.ts';
import type { LogChunk as _slipway_v1_LogChunk, LogChunk__Output as _slipway_v1_LogChunk__Output } from './slipway/v1/LogChunk.ts';
import type { LogLine as _slipway_v1_LogLine, LogLine__Output as _slipway_v1_LogLine__Output } from './slipway/v1/LogLine.ts';
import type { LogQuery as _slipway_v1_LogQuery, LogQuery__Output as _slipway_v1_LogQuery__Output } from './slipway/v1/LogQuery.ts';
import type { Maintenance as _slipway_v1_Maintenance, Maintenance__Output as _slipway_v1_Maintenance__Output } from './slipway/v1/Maintenance.ts';
import type { MeshPeer as _slipway_v1_MeshPeer, MeshPeer__Output as _slipway_v1_MeshPeer__Output } from './slipway/v1/MeshPeer.ts';
import type { NodeEvent as _slipway_v1_NodeEvent, NodeEvent__Output as _slipway_v1_NodeEvent__Output } from './slipway/v1/NodeEvent.ts';
import type { NodeFacts as _slipway_v1_NodeFacts, NodeFacts__Output as _slipway_v1_NodeFacts__Output } from './slipway/v1/NodeFacts.ts';
import type { OpenAttach as _slipway_v1_OpenAttach, OpenAttach__Output as _slipway_v1_OpenAttach__Output } from './slipway/v1/OpenAttach.ts';
import type { Reason as _slipway_v1_Reason, Reason__Output as _slipway_v1_Reason__Output } from './slipway/v1/Reason.ts';
import type { ReleaseContent as _slipway_v1_ReleaseContent, ReleaseContent__Output as _slipway_v1_ReleaseContent__Output } from './slipway/v1/ReleaseContent.ts';
import type { RestartLeave as _slipway_v1_RestartLeave, RestartLeave__Output as _slipway_v1_RestartLeave__Output } from './slipway/v1/RestartLeave.ts';
import type { Route as _slipway_v1_Route, Route__Output as _slipway_v1_Route__Output } from './slipway/v1/Route.ts';
import type { RoutesAck as _slipway_v1_RoutesAck, RoutesAck__Output as _slipway_v1_RoutesAck__Output } from './slipway/v1/RoutesAck.ts';
import type { RunChecks as _slipway_v1_RunChecks, RunChecks__Output as _slipway_v1_RunChecks__Output } from './slipway/v1/RunChecks.ts';
import type { Slug as _slipway_v1_Slug, Slug__Output as _slipway_v1_Slug__Output } from './slipway/v1/Slug.ts';
import type { StartTask as _slipway_v1_StartTask, StartTask__Output as _slipway_v1_StartTask__Output } from './slipway/v1/StartTask.ts';
import type { SwitchFigures as _slipway_v1_SwitchFigures, SwitchFigures__Output as _slipway_v1_SwitchFigures__Output } from './slipway/v1/SwitchFigures.ts';
import type { SwitchQuery as _slipway_v1_SwitchQuery, SwitchQuery__Output as _slipway_v1_SwitchQuery__Output } from './slipway/v1/SwitchQuery.ts';
import type { TaskAck as _slipway_v1_TaskAck, TaskAck__Output as _slipway_v1_TaskAck__Output } from './slipway/v1/TaskAck.ts';
import type { TaskOutput as _slipway_v1_TaskOutput, TaskOutput__Output as _slipway_v1_TaskOutput__Output } from './slipway/v1/TaskOutput.ts';
import type { TaskProgress as _slipway_v1_TaskProgress, TaskProgress__Output as _slipway_v1_TaskProgress__Output } from './slipway/v1/TaskProgress.ts';
import type { TaskResult as _slipway_v1_TaskResult, TaskResult__Output as _slipway_v1_TaskResult__Output } from './slipway/v1/TaskResult.ts';
import type { UnreadableRequest as _slipway_v1_UnreadableRequest, UnreadableRequest__Output as _slipway_v1_UnreadableRequest__Output } from './slipway/v1/UnreadableRequest.ts';
import type { UnreadableRequests as _slipway_v1_UnreadableRequests, UnreadableRequests__Output as _slipway_v1_UnreadableRequests__Output } from './slipway/v1/UnreadableRequests.ts';
import type { UnservedCertificate as _slipway_v1_UnservedCertificate, UnservedCertificate__Output as _slipway_v1_UnservedCertificate__Output } from './slipway/v1/UnservedCertificate.ts';
import type { Upgrade as _slipway_v1_Upgrade, Upgrade__Output as _slipway_v1_Upgrade__Output } from './slipway/v1/Upgrade.ts';
import type { Welcome as _slipway_v1_Welcome, Welcome__Output as _slipway_v1_Welcome__Output } from './slipway/v1/Welcome.ts';
import type { WithheldInstance as _slipway_v1_WithheldInstance, WithheldInstance__Output as _slipway_v1_WithheldInstance__Output } from './slipway/v1/WithheldInstance.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  slipway: {
    v1: {
      AgentMessage: MessageTypeDefinition<_slipway_v1_AgentMessage, _slipway_v1_AgentMessage__Output>
      AgentService: SubtypeConstructor<typeof grpc.Client, _slipway_v1_AgentServiceClient> & { service: _slipway_v1_AgentServiceDefinition }
      AppEgress: MessageTypeDefinition<_slipway_v1_AppEgress, _slipway_v1_AppEgress__Output>
      Assignment: MessageTypeDefinition<_slipway_v1_Assignment, _slipway_v1_Assignment__Output>
      AttachedBytes: MessageTypeDefinition<_slipway_v1_AttachedBytes, _slipway_v1_AttachedBytes__Output>
      BuildResult: MessageTypeDefinition<_slipway_v1_BuildResult, _slipway_v1_BuildResult__Output>
      CancelLogQuery: MessageTypeDefinition<_slipway_v1_CancelLogQuery, _slipway_v1_CancelLogQuery__Output>
      CancelTask: MessageTypeDefinition<_slipway_v1_CancelTask, _slipway_v1_CancelTask__Output>
      CertificatesServed: MessageTypeDefinition<_slipway_v1_CertificatesServed, _slipway_v1_CertificatesServed__Output>
      CheckResult: MessageTypeDefinition<_slipway_v1_CheckResult, _slipway_v1_CheckResult__Output>
      Command: MessageTypeDefinition<_slipway_v1_Command, _slipway_v1_Command__Output>
      CommandResult: MessageTypeDefinition<_slipway_v1_CommandResult, _slipway_v1_CommandResult__Output>
      ControllerMessage: MessageTypeDefinition<_slipway_v1_ControllerMessage, _slipway_v1_ControllerMessage__Output>
      CountSwitches: MessageTypeDefinition<_slipway_v1_CountSwitches, _slipway_v1_CountSwitches__Output>
      Crashes: MessageTypeDefinition<_slipway_v1_Crashes, _slipway_v1_Crashes__Output>
      CronEntry: MessageTypeDefinition<_slipway_v1_CronEntry, _slipway_v1_CronEntry__Output>
      DesiredAck: MessageTypeDefinition<_slipway_v1_DesiredAck, _slipway_v1_DesiredAck__Output>
      DesiredState: MessageTypeDefinition<_slipway_v1_DesiredState, _slipway_v1_DesiredState__Output>
      DestroyedAck: MessageTypeDefinition<_slipway_v1_DestroyedAck, _slipway_v1_DestroyedAck__Output>
      DestroyedApp: MessageTypeDefinition<_slipway_v1_DestroyedApp, _slipway_v1_DestroyedApp__Output>
      EgressTable: MessageTypeDefinition<_slipway_v1_EgressTable, _slipway_v1_EgressTable__Output>
      Epoch: MessageTypeDefinition<_slipway_v1_Epoch, _slipway_v1_Epoch__Output>
      Exit: MessageTypeDefinition<_slipway_v1_Exit, _slipway_v1_Exit__Output>
      FleetApp: MessageTypeDefinition<_slipway_v1_FleetApp, _slipway_v1_FleetApp__Output>
      FleetCertificate: MessageTypeDefinition<_slipway_v1_FleetCertificate, _slipway_v1_FleetCertificate__Output>
      FleetRoutes: MessageTypeDefinition<_slipway_v1_FleetRoutes, _slipway_v1_FleetRoutes__Output>
      HealthCheck: MessageTypeDefinition<_slipway_v1_HealthCheck, _slipway_v1_HealthCheck__Output>
      HealthChecks: MessageTypeDefinition<_slipway_v1_HealthChecks, _slipway_v1_HealthChecks__Output>
      Heartbeat: MessageTypeDefinition<_slipway_v1_Heartbeat, _slipway_v1_Heartbeat__Output>
      Hello: MessageTypeDefinition<_slipway_v1_Hello, _slipway_v1_Hello__Output>
      HostCheck: MessageTypeDefinition<_slipway_v1_HostCheck, _slipway_v1_HostCheck__Output>
      HttpsRules: MessageTypeDefinition<_slipway_v1_HttpsRules, _slipway_v1_HttpsRules__Output>
      InstanceReport: MessageTypeDefinition<_slipway_v1_InstanceReport, _slipway_v1_InstanceReport__Output>
      InstanceStatus: MessageTypeDefinition<_slipway_v1_InstanceStatus, _slipway_v1_InstanceStatus__Output>
      Layer: MessageTypeDefinition<_slipway_v1_Layer, _slipway_v1_Layer__Output>
      Limits: MessageTypeDefinition<_slipway_v1_Limits, _slipway_v1_Limits__Output>
      LogChunk: MessageTypeDefinition<_slipway_v1_LogChunk, _slipway_v1_LogChunk__Output>
      LogLine: MessageTypeDefinition<_slipway_v1_LogLine, _slipway_v1_LogLine__Output>
      LogQuery: MessageTypeDefinition<_slipway_v1_LogQuery, _slipway_v1_LogQuery__Output>
      Maintenance: MessageTypeDefinition<_slipway_v1_Maintenance, _slipway_v1_Maintenance__Output>
      MeshPeer: MessageTypeDefinition<_slipway_v1_MeshPeer, _slipway_v1_MeshPeer__Output>
      NodeEvent: MessageTypeDefinition<_slipway_v1_NodeEvent, _slipway_v1_NodeEvent__Output>
      NodeFacts: MessageTypeDefinition<_slipway_v1_NodeFacts, _slipway_v1_NodeFacts__Output>
      OpenAttach: MessageTypeDefinition<_slipway_v1_OpenAttach, _slipway_v1_OpenAttach__Output>
      Reason: MessageTypeDefinition<_slipway_v1_Reason, _slipway_v1_Reason__Output>
      ReleaseContent: MessageTypeDefinition<_slipway_v1_ReleaseContent, _slipway_v1_ReleaseContent__Output>
      RestartLeave: MessageTypeDefinition<_slipway_v1_RestartLeave, _slipway_v1_RestartLeave__Output>
      Route: MessageTypeDefinition<_slipway_v1_Route, _slipway_v1_Route__Output>
      RoutesAck: MessageTypeDefinition<_slipway_v1_RoutesAck, _slipway_v1_RoutesAck__Output>
      RunChecks: MessageTypeDefinition<_slipway_v1_RunChecks, _slipway_v1_RunChecks__Output>
      Slug: MessageTypeDefinition<_slipway_v1_Slug, _slipway_v1_Slug__Output>
      StartTask: MessageTypeDefinition<_slipway_v1_StartTask, _slipway_v1_StartTask__Output>
      SwitchFigures: MessageTypeDefinition<_slipway_v1_SwitchFigures, _slipway_v1_SwitchFigures__Output>
      SwitchQuery: MessageTypeDefinition<_slipway_v1_SwitchQuery, _slipway_v1_SwitchQuery__Output>
      TaskAck: MessageTypeDefinition<_slipway_v1_TaskAck, _slipway_v1_TaskAck__Output>
      TaskOutput: MessageTypeDefinition<_slipway_v1_TaskOutput, _slipway_v1_TaskOutput__Output>
      TaskProgress: MessageTypeDefinition<_slipway_v1_TaskProgress, _slipway_v1_TaskProgress__Output>
      TaskResult: MessageTypeDefinition<_slipway_v1_TaskResult, _slipway_v1_TaskResult__Output>
      UnreadableRequest: MessageTypeDefinition<_slipway_v1_UnreadableRequest, _slipway_v1_UnreadableRequest__Output>
      UnreadableRequests: MessageTypeDefinition<_slipway_v1_UnreadableRequests, _slipway_v1_UnreadableRequests__Output>
      UnservedCertificate: MessageTypeDefinition<_slipway_v1_UnservedCertificate, _slipway_v1_UnservedCertificate__Output>
      Upgrade: MessageTypeDefinition<_slipway_v1_Upgrade, _slipway_v1_Upgrade__Output>
      Welcome: MessageTypeDefinition<_slipway_v1_Welcome, _slipway_v1_Welcome__Output>
      WithheldInstance: MessageTypeDefinition<_slipway_v1_WithheldInstance, _slipway_v1_WithheldInstance__Output>
    }
  }
}

