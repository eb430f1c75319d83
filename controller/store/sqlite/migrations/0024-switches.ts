/**
 * The figures of each deploy: how many requests failed while the traffic moved. `begun` has the ids of the nodes that counted from the start (JSON).
 * `report` is the sum over all nodes (JSON); null: there is none yet. `counting` is 1 until the figures are final.
 */
export const switches = `
create table switches (
  app_id text not null,
  version integer not null,
  begun text not null,
  report text,
  counting integer not null default 1,
  primary key (app_id, version),
  foreign key (app_id, version) references releases (app_id, version) on delete cascade
) strict;
create index switches_that_count on switches (app_id) where counting = 1;
`;
