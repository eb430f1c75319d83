/** Cordoned, drained and lost nodes, and instances that replace another instance. */
export const movement = `
alter table nodes add column cordoned integer not null default 0 check (cordoned in (0, 1));
-- Set while its instances are moved away; wall clock.
alter table nodes add column drain_until_ms integer;
-- Set while its instances are replaced elsewhere; wall clock.
alter table nodes add column lost_at_ms integer;

-- Null: the controller's default. 0: never.
alter table apps add column lost_after_ms integer;

-- The instance that this one replaces, and why.
alter table assignments add column replaces text;
alter table assignments add column move_reason text;
`;
