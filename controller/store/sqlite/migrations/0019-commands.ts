/**
 * Commands that run once: of the release phase, of users, of schedules. Each belongs to a task, and is removed together with it. A release has
 * at most one release command, so it can never run twice. `output` has the first part of the output; `output_bytes` counts what arrived.
 */
export const commands = `
create table commands (
  task_id text primary key references tasks (id) on delete cascade,
  app_id text not null references apps (id),
  process text not null,
  number integer not null,
  release integer not null,
  command text not null,
  memory_bytes integer not null,
  timeout_ms integer not null,
  grace_ms integer not null,
  user_id text,
  cancelled integer not null default 0,
  result text,
  output text not null default '',
  output_bytes integer not null default 0,
  output_lines integer not null default 0
) strict;
create unique index commands_by_process on commands (app_id, process);
create index commands_by_number on commands (app_id, number);
`;
