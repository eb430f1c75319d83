/**
 * Certificates by DNS-01. `dns_providers`: who adds TXT records; the secret is encrypted. `challenge_records`: TXT records that may exist at a
 * provider. They have no reference to their order, because they must also be removed when the order is gone. `certificate_orders` is made again,
 * because the order of the wildcard for the base domain has no domain of an app.
 */
export const dnsChallenges = `
create table dns_providers (
  name text primary key,
  kind text not null,
  zone text not null unique,
  record_zone text not null,
  settings text not null,
  secret_text text,
  secret_key_id text,
  created_at_ms integer not null
) strict;

create table challenge_records (
  order_id text not null,
  provider text not null,
  name text not null,
  value text not null,
  due_at_ms integer not null,
  failures integer not null default 0,
  primary key (order_id, name, value)
) strict;

create table new_certificate_orders (
  id text primary key,
  hostname text not null unique,
  domain text references domains (hostname) on delete cascade,
  state text not null,
  since_ms integer not null,
  due_at_ms integer not null,
  resume text,
  failures integer not null default 0,
  directory_url text,
  order_url text,
  replaces text,
  problem text,
  certificate text,
  key_text text,
  key_id text
) strict;
insert into new_certificate_orders
  select id, hostname, hostname, state, since_ms, due_at_ms, resume, failures, directory_url, order_url, replaces, problem, certificate,
    key_text, key_id
  from certificate_orders;
drop table certificate_orders;
alter table new_certificate_orders rename to certificate_orders;
create index certificate_orders_by_time on certificate_orders (due_at_ms);
create index certificate_orders_by_state on certificate_orders (state);
create index certificate_orders_by_domain on certificate_orders (domain);
`;
