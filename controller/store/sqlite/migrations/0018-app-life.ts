/**
 * What an owner decided about a whole app: what is stopped, who locked its deploys, and whether it is in maintenance. `stopped` is JSON:
 * "all", or a list of process types. A former name leads to its app until `until_ms`, and no other app can get it before.
 */
export const appLife = `
alter table apps add column stopped text;
alter table apps add column lock text;
alter table apps add column maintenance integer not null default 0 check (maintenance in (0, 1));

create table maintenance_pages (
  app_id text primary key references apps (id),
  page text not null
) strict;

create table former_app_names (
  name text primary key,
  app_id text not null references apps (id),
  until_ms integer not null
) strict;
create index former_app_names_by_app on former_app_names (app_id);

alter table build_settings add column memory_bytes integer;
alter table build_settings add column disk_bytes integer;
alter table build_settings add column timeout_ms integer;
alter table build_settings add column cache_number integer not null default 0;
`;
