/**
 * Certificates from an ACME CA. A row of `certificate_orders` is the certificate of one domain and the state of its order; it ends with the
 * domain. `acme_uses` counts what the CA limits, also for names that are gone. Private keys are encrypted.
 */
export const certificateOrders = `
create table certificate_orders (
  id text primary key,
  hostname text not null unique references domains (hostname) on delete cascade,
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
create index certificate_orders_by_time on certificate_orders (due_at_ms);
create index certificate_orders_by_state on certificate_orders (state);

create table acme_accounts (
  directory_url text primary key,
  url text,
  key_text text not null,
  key_id text not null
) strict;

create table acme_uses (
  kind text not null,
  key text not null,
  at_ms integer not null
) strict;
create index acme_uses_by_key on acme_uses (kind, key, at_ms);
create index acme_uses_by_time on acme_uses (at_ms);

create table tls_settings (
  id integer primary key check (id = 1),
  settings text not null,
  secret_text text,
  secret_key_id text
) strict;

create table certs_auto (
  app_id text primary key references apps (id) on delete cascade,
  enabled integer not null
) strict;
`;
