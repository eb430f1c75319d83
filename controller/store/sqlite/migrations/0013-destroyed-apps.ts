/**
 * The range of user ids of a destroyed app, and the nodes that may still have its data. The rows stay until the range is free.
 * `app_nodes` lists the nodes that ever had an instance or a build of an app. For apps that are older than this table, that is
 * every node. The column `files` says whether the controller still has files of the app.
 */
export const destroyedApps = `
create table app_nodes (
  app_id text not null references apps (id),
  node_id text not null references nodes (id),
  primary key (app_id, node_id)
) strict, without rowid;
insert into app_nodes (app_id, node_id) select apps.id, nodes.id from apps, nodes where nodes.state <> 'removed';

create trigger assignments_note_node after insert on assignments begin
  insert or ignore into app_nodes (app_id, node_id) values (new.app_id, new.node_id);
end;

create table destroyed_apps (
  app_id text primary key,
  name text not null,
  owner_id text not null,
  uid_base integer not null unique,
  destroyed_at_ms integer not null,
  free_at_ms integer,
  files integer not null check (files in (0, 1))
) strict;
create index destroyed_apps_free on destroyed_apps (free_at_ms, uid_base) where free_at_ms is not null;

create table destroyed_app_nodes (
  app_id text not null references destroyed_apps (app_id),
  node_id text not null references nodes (id),
  primary key (app_id, node_id)
) strict, without rowid;
create index destroyed_app_nodes_by_node on destroyed_app_nodes (node_id, app_id);
`;
