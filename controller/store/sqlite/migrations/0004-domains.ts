/** Host names of apps beside their own under the base domain. */
export const domains = `
create table domains (
  hostname text primary key,
  app_id text not null references apps (id),
  created_at_ms integer not null
) strict;
create index domains_by_app on domains (app_id, hostname);
`;
