/**
 * The health checks that owners of apps have set, in JSON, for each process type; they take the place of those in app.json. A release keeps
 * the settings of its time. Older releases have none.
 */
export const healthChecks = `
create table health_checks (
  app_id text not null references apps (id),
  process_type text not null,
  checks text not null,
  primary key (app_id, process_type)
) strict;
alter table releases add column checks text;
`;
