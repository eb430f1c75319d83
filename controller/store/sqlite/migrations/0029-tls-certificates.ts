/**
 * Certificates for the clients of apps. Without an app, a certificate serves the names of all apps. `names` is JSON. `private_key` is encrypted
 * with the key of the config values.
 */
export const tlsCertificates = `
create table tls_certificates (
  id text primary key,
  app_id text references apps (id),
  kind text not null,
  names text not null,
  fingerprint text not null,
  issuer text,
  chain text not null,
  private_key text not null,
  key_id text not null,
  not_before_ms integer not null,
  not_after_ms integer not null,
  created_at_ms integer not null,
  stored_at_ms integer not null
) strict;
create index tls_certificates_by_app on tls_certificates (app_id);
create index tls_certificates_by_key on tls_certificates (key_id);
`;
