/**
 * Cron. `cron_entries` has the state of each entry: the moment until which its ticks were decided, and whether the owner suspended it (null:
 * app.json decides). `present` is 0 while the current release does not have the entry. `cron_runs` has a row for each tick: it started a
 * command, or `skipped` (JSON) says why not. A tick is unique, so it never runs twice. A run of a user has no tick.
 */
export const cron = `
create table cron_entries (
  app_id text not null references apps (id),
  name text not null,
  schedule text not null,
  decided_ms integer not null,
  suspended integer,
  present integer not null default 1,
  primary key (app_id, name)
) strict;

create table cron_runs (
  seq integer primary key autoincrement,
  app_id text not null references apps (id),
  name text not null,
  tick_ms integer,
  at_ms integer not null,
  task_id text references tasks (id) on delete cascade,
  skipped text
) strict;
create unique index cron_runs_by_tick on cron_runs (app_id, name, tick_ms);
create index cron_runs_by_name on cron_runs (app_id, name, seq);
create index cron_runs_by_task on cron_runs (task_id);

create index releases_with_cron on releases (app_id) where state = 'current' and json_extract(slug, '$.cron') is not null;
`;
