/** A canonical name ends with its domain. `hsts_policies`: apps whose answers over HTTPS have the header Strict-Transport-Security. */
export const httpsRules = `
create table canonical_names (
  app_id text primary key references apps (id) on delete cascade,
  hostname text not null unique references domains (hostname) on delete cascade
) strict;

create table hsts_policies (
  app_id text primary key references apps (id) on delete cascade,
  max_age_s integer not null,
  include_subdomains integer not null,
  preload integer not null
) strict;
`;
