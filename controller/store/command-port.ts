import type { AppId, NodeId, TaskId } from '../../shared/domain/ids.ts';
import type { Digest } from '../../shared/domain/ids.ts';
import type { ScriptName } from '../../shared/domain/deploy-scripts.ts';
import type { CommandEnd, CommandRow, NewCommand } from '../domain/commands.ts';

export interface CommandStore {
  /**
   * Records a command and its task in the state `pending`, and removes old commands of the app.
   * @throws SLIP_COMMAND_EXISTS when the release already has this command
   */
  createCommand(command: NewCommand): Promise<CommandRow>;
  command(id: TaskId): Promise<CommandRow | undefined>;
  /** A command of a release. @param script undefined: the release command */
  commandOfRelease(appId: AppId, version: number, script?: ScriptName): Promise<CommandRow | undefined>;
  commandByProcess(appId: AppId, process: string): Promise<CommandRow | undefined>;
  /** Newest first. */
  commandsOfApp(appId: AppId, limit: number): Promise<readonly CommandRow[]>;
  /** Commands that have not ended, oldest first. Undefined: of all apps. */
  unfinishedCommands(appId?: AppId): Promise<readonly CommandRow[]>;
  /** The output that is stored. */
  commandOutput(id: TaskId): Promise<string>;
  /**
   * Adds to the output of the command and, in the same transaction, to that of the release whose command it is. An agent continues after the
   * stored bytes, so after a crash both outputs have each byte once.
   */
  appendCommandOutput(id: TaskId, output: { text: string; bytes: number; lines: number }): Promise<void>;
  /** The first cancellation counts. @param drainedNode name of the node whose drain ends the command */
  setCommandCancelled(id: TaskId, drainedNode?: string): Promise<void>;
  /** Stores the end. A command that has ended keeps its first end. @returns undefined when its app was destroyed */
  endCommand(id: TaskId, end: CommandEnd): Promise<CommandRow | undefined>;
  /** Removes a command that has certainly not run. */
  removeCommand(id: TaskId): Promise<void>;
  /** Whether a node runs a command that uses this layer. */
  commandUsesImage(nodeId: NodeId, digest: Digest): Promise<boolean>;
}
