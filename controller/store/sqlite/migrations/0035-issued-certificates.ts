/**
 * `issued_certificates`: what CAs gave, until it ends, with the state of a revocation. `certificate_holders`: which node got which key.
 * `exposed_keys`: SHA-256 of public keys whose private keys a revoked node held. `exposed` is the cause, of an uploaded certificate.
 * For certificates from before this migration, every node counts as a holder.
 */
export const issuedCertificates = `
create table issued_certificates (
  fingerprint text primary key,
  certificate_id text not null,
  hostname text not null,
  directory_url text not null,
  chain text not null,
  not_after_ms integer not null,
  state text not null,
  reason text,
  cause text,
  since_ms integer not null,
  due_at_ms integer not null,
  failures integer not null default 0,
  problem text
) strict;
create index issued_certificates_by_state on issued_certificates (state, due_at_ms);
create index issued_certificates_by_end on issued_certificates (not_after_ms);

insert or ignore into issued_certificates
    (fingerprint, certificate_id, hostname, directory_url, chain, not_after_ms, state, since_ms, due_at_ms)
  select t.fingerprint, t.id, o.hostname, o.directory_url, t.chain, t.not_after_ms, 'valid', t.stored_at_ms, t.stored_at_ms
  from tls_certificates t join certificate_orders o on o.id = t.id
  where t.kind = 'acme' and o.directory_url is not null;

create table certificate_holders (
  node_id text not null,
  fingerprint text not null,
  primary key (node_id, fingerprint)
) strict, without rowid;
create index certificate_holders_by_certificate on certificate_holders (fingerprint);
insert into certificate_holders
  select distinct nodes.id, tls_certificates.fingerprint from nodes cross join tls_certificates where nodes.state <> 'removed';

create table exposed_keys (
  hash text primary key,
  cause text not null,
  at_ms integer not null
) strict;

alter table tls_certificates add column exposed text;
`;
