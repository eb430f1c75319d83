/** Events. They have no foreign keys, because an event stays when its app or node is removed. */
export const events = `
create table events (
  seq integer primary key autoincrement,
  at_ms integer not null,
  kind text not null,
  actor text not null,
  app_id text,
  app text,
  node text,
  instance text,
  message text not null,
  next text,
  details text
) strict;
create index events_by_app on events (app_id, seq) where app_id is not null;
create index events_by_node on events (node, seq) where node is not null;
`;
