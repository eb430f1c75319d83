/** The schema of the first release. Do not edit it: each change of the schema is a new file with the next number. */
export const initial = `
create table controller (
  id integer primary key check (id = 1),
  epoch_counter integer not null,
  epoch_id text not null,
  next_uid_range integer not null
) strict;
insert into controller (id, epoch_counter, epoch_id, next_uid_range) values (1, 0, '', 0);

create table users (
  id text primary key,
  name text not null unique,
  admin integer not null check (admin in (0, 1)),
  created_at_ms integer not null
) strict;

create table ssh_keys (
  fingerprint text primary key,
  user_id text not null references users (id),
  public_key text not null,
  comment text not null,
  created_at_ms integer not null
) strict;
create index ssh_keys_by_user on ssh_keys (user_id);

create table api_tokens (
  id text primary key,
  user_id text not null references users (id),
  secret_hash text not null unique,
  description text not null,
  created_at_ms integer not null,
  expires_at_ms integer
) strict;
create index api_tokens_by_user on api_tokens (user_id);

create table apps (
  id text primary key,
  name text not null unique,
  owner_id text not null references users (id),
  uid_base integer not null unique,
  stack text not null,
  created_at_ms integer not null
) strict;
create index apps_by_owner on apps (owner_id, name);

create table config_vars (
  app_id text not null references apps (id),
  name text not null,
  value text not null,
  primary key (app_id, name)
) strict, without rowid;

create table formations (
  app_id text not null references apps (id),
  process_type text not null,
  quantity integer not null check (quantity >= 0),
  primary key (app_id, process_type)
) strict, without rowid;

create table builds (
  seq integer primary key,
  id text not null unique,
  app_id text not null references apps (id),
  user_id text not null references users (id),
  commit_hash text not null,
  state text not null,
  created_at_ms integer not null,
  finished_at_ms integer,
  failure text,
  timings_ms text not null
) strict;
create index builds_by_app on builds (app_id, seq);
create index builds_unfinished on builds (seq) where state in ('queued', 'running');

create table releases (
  app_id text not null references apps (id),
  version integer not null check (version > 0),
  state text not null,
  slug text not null,
  config text not null,
  build_id text references builds (id),
  user_id text not null references users (id),
  description text not null,
  ref text,
  created_at_ms integer not null,
  failure text,
  primary key (app_id, version)
) strict;
create unique index releases_current on releases (app_id) where state = 'current';
create index releases_unfinished on releases (app_id, version) where state in ('pending', 'deploying');

create table release_images (
  digest text not null,
  app_id text not null,
  version integer not null,
  primary key (digest, app_id, version),
  foreign key (app_id, version) references releases (app_id, version)
) strict, without rowid;
create index release_images_by_release on release_images (app_id, version);

create table nodes (
  id text primary key,
  name text not null,
  certificate_serial text not null unique,
  state text not null,
  labels text not null,
  facts text,
  joined_at_ms integer not null,
  generation integer not null
) strict;
create unique index nodes_by_name on nodes (name) where state <> 'removed';

create table join_tokens (
  secret_hash text primary key,
  labels text not null,
  expires_at_ms integer not null,
  used_by_node_id text references nodes (id)
) strict;

create table assignments (
  instance_id text primary key,
  node_id text not null references nodes (id),
  app_id text not null references apps (id),
  release integer not null,
  process_type text not null,
  ordinal integer not null check (ordinal > 0),
  limits text not null,
  desired text not null,
  created_at_ms integer not null,
  foreign key (app_id, release) references releases (app_id, version)
) strict;
create index assignments_by_node on assignments (node_id);
create index assignments_by_app on assignments (app_id);
`;
