import type { AppLifeStore } from './app-life-port.ts';
import type { BuildSettingsStore } from './build-settings-port.ts';
import type { CommandStore } from './command-port.ts';
import type { CertificateStore } from './certificate-port.ts';
import type { ConfigKeyStore } from './config-key-port.ts';
import type { CronStore } from './cron-port.ts';
import type { DestroyedStore } from './destroyed-port.ts';
import type { DnsStore } from './dns-port.ts';
import type { IssuedStore } from './issued-port.ts';
import type { OrderStore } from './order-port.ts';
import type { ReleaseStore } from './release-port.ts';
import type { ScriptStore } from './script-port.ts';
import type { SwitchStore } from './switch-port.ts';
import type { TaskStore } from './task-port.ts';
import type { HealthCheckStore } from './health-checks-port.ts';
import type { DomainStore } from './domains-port.ts';
import type { EdgeStore } from './edge-port.ts';
import type { EgressStore } from './egress-port.ts';
import type { App, LostAfter, ProcessSettingsChange } from '../domain/apps.ts';
import type {
  AssignmentRow,
  AssignmentChange,
  DesiredRows,
  RunningRow,
  PromisedMemory,
} from '../domain/assignments.ts';
import type { Build } from '../domain/builds.ts';
import type { Release, NewRelease } from '../domain/releases.ts';
import type { HttpsRuleStore } from './https-rules-port.ts';
import type { HistoryStore } from './history-port.ts';
import type { OverviewStore } from './overview-port.ts';
import type { QuotaStore } from './quota-port.ts';
import type { FleetEvent, NewEvent } from '../../shared/domain/event.ts';
import type { CeilingName, Ceilings } from '../../shared/domain/ceilings.ts';
import type { Formation, ProcessSettings, RequiredLabels } from '../../shared/domain/placement.ts';
import type { AppId, BuildId, Digest, NodeId, UserId } from '../../shared/domain/ids.ts';
import type { AppName, ProcessType, UserName } from '../../shared/domain/names.ts';
import type { Epoch } from '../../shared/domain/assignment.ts';
import type { ApiToken, DoneBy, User, SshKey } from '../domain/users.ts';
import type { IdentityStore } from './identity-port.ts';
import type { NodeRow, PresentNode, NodeChange } from '../domain/nodes.ts';
import type { BuildState, NodeState } from '../../shared/domain/states.ts';
import type { ConfigVars } from '../../shared/kit/sensitive.ts';
import type { EventQuery } from '../domain/events.ts';

/**
 * The database of the controller. Each method is one transaction, and is on the disk (synchronous=FULL) when it resolves.
 * Queries of a push use an index, and their cost does not grow with the history.
 * Errors: SLIP_STORE_* (bug, transient: SLIP_DISK_FULL), conflicts as documented.
 */
export interface Store
  extends
    IdentityStore,
    DomainStore,
    EdgeStore,
    EgressStore,
    AppLifeStore,
    BuildSettingsStore,
    CertificateStore,
    ConfigKeyStore,
    HealthCheckStore,
    HttpsRuleStore,
    DestroyedStore,
    DnsStore,
    TaskStore,
    CommandStore,
    CronStore,
    ReleaseStore,
    ScriptStore,
    SwitchStore,
    QuotaStore,
    HistoryStore,
    IssuedStore,
    OrderStore,
    OverviewStore {
  // -- controller
  /** Raises the epoch counter and makes a new id. Called once at each start. */
  newEpoch(id: string): Promise<Epoch>;
  /**
   * For a database that was restored from a backup. Raises the epoch counter and the generation of every node to the time in
   * milliseconds, which is higher than every number that a node may have accepted.
   */
  declareRestored(): Promise<void>;
  /** The user who started the running rebalance; undefined: none runs. */
  rebalanceBy(): Promise<string | undefined>;
  setRebalanceBy(actor: string | undefined): Promise<void>;
  /** Labels that a node must have to get builds; none: every node whose agent may build. */
  builderLabels(): Promise<RequiredLabels>;
  setBuilderLabels(labels: RequiredLabels): Promise<void>;
  /** Highest values for the limits of a process type. */
  limitCeilings(): Promise<Ceilings>;
  /** Null sets the default again. @returns the current ceilings */
  setLimitCeilings(changes: Partial<Record<CeilingName, number | null | undefined>>): Promise<Ceilings>;
  /**
   * The controller accepts work from now on. The copy of the database that was made before a migration lacks this work, so an upgrade that fails
   * later is not undone by the installer. The copy is kept for the operator.
   */
  acceptUpgrade(): Promise<void>;
  close(): Promise<void>;

  // -- users, keys, tokens
  /** @throws SLIP_USER_EXISTS */
  createUser(user: { name: UserName; admin: boolean } & DoneBy): Promise<User>;
  userById(id: UserId): Promise<User | undefined>;
  userByName(name: UserName): Promise<User | undefined>;
  users(): Promise<readonly User[]>;
  userByFingerprint(fingerprint: string): Promise<User | undefined>;
  /** @throws SLIP_KEY_TAKEN when a user already has the key, SLIP_QUOTA */
  addKey(key: Omit<SshKey, 'createdAtMs'> & DoneBy): Promise<SshKey>;
  keysOf(userId: UserId): Promise<readonly SshKey[]>;
  removeKey(userId: UserId, fingerprint: string): Promise<boolean>;
  /** Stores the SHA-256 of the secret, never the secret. */
  addToken(
    token: { userId: UserId; secretHash: string; description: string; expiresAtMs?: number | undefined } & DoneBy,
  ): Promise<ApiToken>;
  userByTokenHash(secretHash: string, nowMs: number): Promise<User | undefined>;

  // -- apps
  /** The app gets a range of user ids that no app uses and of which no node has data. @throws SLIP_APP_EXISTS, SLIP_APP_NAME_KEPT, SLIP_QUOTA, SLIP_APP_UIDS */
  createApp(app: { id?: AppId; name: AppName; ownerId: UserId; stack: string }): Promise<App>;
  appByName(name: AppName): Promise<App | undefined>;
  appById(id: AppId): Promise<App | undefined>;
  /** @param lostAfterMs undefined sets the controller's default again */
  setLostAfter(appId: AppId, lostAfterMs: LostAfter | undefined): Promise<void>;
  config(appId: AppId): Promise<ConfigVars>;
  /** Changes with every change of the config vars. It says nothing about their values. */
  configRevision(appId: AppId): Promise<string>;
  setConfig(appId: AppId, changes: Readonly<Record<string, string | undefined>>, by?: UserId): Promise<ConfigVars>;
  /** Count per process type; types never scaled are absent. */
  formation(appId: AppId): Promise<Formation>;
  setFormation(appId: AppId, changes: Formation): Promise<Formation>;
  /** Settings of each process type. Types without settings are absent. */
  processSettings(appId: AppId): Promise<Readonly<Record<string, ProcessSettings>>>;
  /** Replaces the given fields. Null sets the default again. */
  setProcessSettings(appId: AppId, processType: ProcessType, change: ProcessSettingsChange): Promise<ProcessSettings>;
  /** Apps with a process type that runs on every node. */
  appsOnEveryNode(): Promise<readonly App[]>;

  // -- builds
  createBuild(build: { appId: AppId; userId: UserId; commit: string }): Promise<Build>;
  setBuildState(
    id: BuildId,
    state: BuildState,
    end?: { failure?: Build['failure']; timingsMs?: Readonly<Record<string, number>> },
  ): Promise<void>;
  build(id: BuildId): Promise<Build | undefined>;
  builds(appId: AppId, limit: number): Promise<readonly Build[]>;
  unfinishedBuilds(): Promise<readonly Build[]>;
  setBuildTimings(id: BuildId, timingsMs: Readonly<Record<string, number>>): Promise<void>;

  // -- releases
  /** Adds the next version in state `pending`, and records the images of its slug as used, in one transaction. */
  createRelease(release: NewRelease): Promise<Release>;
  release(appId: AppId, version: number): Promise<Release | undefined>;
  currentRelease(appId: AppId): Promise<Release | undefined>;
  releases(appId: AppId, limit: number): Promise<readonly Release[]>;
  /** Releases of all apps that a crash left in `pending` or `deploying`. */
  unfinishedReleases(): Promise<readonly Release[]>;
  /** Moves the release from pending to deploying and adds its assignments, in one transaction. */
  beginRollout(appId: AppId, version: number, change: AssignmentChange): Promise<void>;
  /** Makes the release current and the former one superseded, and changes the assignments, in one transaction. */
  completeRollout(appId: AppId, version: number, change: AssignmentChange): Promise<void>;
  /** Fails the release and changes the assignments. If it was current, `restore` becomes current again. */
  failRelease(
    appId: AppId,
    version: number,
    failure: NonNullable<Release['failure']>,
    change: AssignmentChange,
    restore?: number,
  ): Promise<void>;
  /** Layer digests of any release that is not failed. */
  imagesInUse(): Promise<ReadonlySet<Digest>>;

  // -- nodes (certificates and tokens: IdentityStore)
  nodes(): Promise<readonly NodeRow[]>;
  setNodeState(id: NodeId, state: NodeState): Promise<void>;
  /** Sets these nodes `ready`, with their facts, in one transaction. Skips removed nodes. */
  setNodesPresent(nodes: readonly PresentNode[]): Promise<void>;
  changeNode(id: NodeId, change: NodeChange): Promise<NodeRow>;
  /** Removes the node and its assignments, in one transaction. Its name is free again. */
  removeNode(id: NodeId): Promise<void>;

  // -- assignments
  changeAssignments(change: AssignmentChange): Promise<void>;
  assignmentsOfNode(id: NodeId): Promise<readonly AssignmentRow[]>;
  /** Runs a fixed number of queries, however many nodes there are. */
  desiredRows(nodes: readonly NodeId[]): Promise<DesiredRows>;
  /** Instances that should run, of every app or of this one. Read after every burst of reports, so it holds only the columns that routes need. */
  runningRows(only?: AppId): Promise<readonly RunningRow[]>;
  /** The apps with instances on any of these nodes. */
  appsOnNodes(nodes: readonly NodeId[]): Promise<readonly AppId[]>;
  assignmentsOfApp(id: AppId): Promise<readonly AssignmentRow[]>;
  /** Assignments of the whole fleet, for plans that an operator requests. Never used by a push. */
  allAssignments(): Promise<readonly AssignmentRow[]>;
  /** For each node with assignments. The sums are stored, so the cost does not grow with the assignments. */
  promisedMemory(): Promise<ReadonlyMap<NodeId, PromisedMemory>>;
  /** Raises a node's generation without another change (its routes changed). */
  touchNode(id: NodeId): Promise<void>;

  // -- events
  /** Events are kept for 90 days, at most 100 000. The store itself adds the events of releases, builds, users and nodes. */
  addEvent(event: NewEvent): Promise<FleetEvent>;
  events(query: EventQuery): Promise<readonly FleetEvent[]>;
  /** Calls back after each commit that added events, with their kinds. Returns the unsubscribe function. */
  onEvents(listener: (kinds: ReadonlySet<string>) => void): () => void;
}
