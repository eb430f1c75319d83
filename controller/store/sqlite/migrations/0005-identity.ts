/** The history of certificates explains why one is refused. Join tokens can be listed, and a token can let a lost node rejoin. */
export const identity = `
alter table nodes add column certificate_not_after_ms integer;
alter table nodes add column revoked_at_ms integer;

create table node_certificates (
  serial text primary key,
  node_id text not null references nodes (id),
  state text not null check (state in ('pending', 'current', 'retired')),
  why text,
  issued_at_ms integer not null,
  not_after_ms integer,
  retired_at_ms integer
) strict;
create index node_certificates_by_node on node_certificates (node_id);
insert into node_certificates (serial, node_id, state, issued_at_ms)
  select certificate_serial, id, 'current', joined_at_ms from nodes;

alter table join_tokens add column id text;
alter table join_tokens add column created_at_ms integer not null default 0;
alter table join_tokens add column created_by text not null default '';
alter table join_tokens add column rejoins_node_id text references nodes (id);
alter table join_tokens add column key_hash text;
update join_tokens set id = substr(secret_hash, 1, 12);
create unique index join_tokens_by_id on join_tokens (id);
`;
