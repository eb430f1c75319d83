/**
 * `proof`: how the owner showed that a domain is theirs; null: no proof was asked for. A removed domain, and the name of a destroyed app, are kept
 * for their last owner until `until_ms`. Proofs are derived from `domain_proof_key`. Anybody may read a proof in DNS, so the key is no secret that
 * must be encrypted: it only makes proofs of two fleets differ.
 */
export const domainOwners = `
alter table domains add column proof text;

create table kept_domains (
  hostname text primary key,
  owner_id text not null references users (id),
  app_id text not null,
  app text not null,
  proof text,
  until_ms integer not null
) strict;
create index kept_domains_by_owner on kept_domains (owner_id, until_ms);
create index kept_domains_by_time on kept_domains (until_ms);

create table kept_app_names (
  name text primary key,
  owner_id text not null references users (id),
  until_ms integer not null
) strict;
create index kept_app_names_by_owner on kept_app_names (owner_id, until_ms);
create index kept_app_names_by_time on kept_app_names (until_ms);

create table domain_proof_key (
  id integer primary key check (id = 1),
  secret text not null
) strict;
insert into domain_proof_key (id, secret) values (1, lower(hex(randomblob(32))));
`;
