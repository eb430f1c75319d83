/** Custom domains of apps. The default name below the base domain is not in this table. */
export const domains = `
create table domains (
  hostname text primary key,
  app_id text not null references apps (id),
  created_at_ms integer not null
) strict;
create index domains_by_app on domains (app_id, hostname);
`;
