/**
 * `served_at_ms`: when every connected node served the certificate for the first time. Only then plain requests are redirected to HTTPS, and a
 * restart of the controller changes nothing. `https_redirects`: apps whose owner decided about it.
 */
export const https = `
alter table tls_certificates add column served_at_ms integer;

create table https_redirects (
  app_id text primary key references apps (id) on delete cascade,
  enabled integer not null
) strict;
`;
