/**
 * Tasks that agents run. A row is written before the task is sent. The task of a build is removed together with its build. Builds of an
 * earlier version have no task.
 */
export const tasks = `
create table tasks (
  seq integer primary key,
  id text not null unique,
  kind text not null,
  app_id text not null references apps (id),
  node_id text not null references nodes (id),
  build_id text references builds (id) on delete cascade,
  state text not null,
  created_at_ms integer not null,
  started_at_ms integer,
  finished_at_ms integer,
  failure text
) strict;
create index tasks_by_app on tasks (app_id);
create index tasks_by_node on tasks (node_id);
create index tasks_by_build on tasks (build_id) where build_id is not null;
create index tasks_unfinished on tasks (seq) where state in ('pending', 'running');
`;
