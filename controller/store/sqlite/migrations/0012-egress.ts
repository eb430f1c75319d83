/** Private networks that sandboxes may reach. Rows without an app are the list for all apps. */
export const egress = `
create table egress (
  app_id text references apps (id) on delete cascade,
  cidr text not null
) strict;
create unique index egress_once on egress (coalesce(app_id, ''), cidr);
`;
