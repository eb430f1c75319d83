/** Nodes that are left alone, emptied or gone; instances that take the place of another. */
export const movement = `
alter table nodes add column cordoned integer not null default 0 check (cordoned in (0, 1));
-- Set while its instances are moved away; wall clock.
alter table nodes add column drain_until_ms integer;
-- Set while its instances are replaced elsewhere; wall clock.
alter table nodes add column lost_at_ms integer;

-- Null: the controller's default. 0: never.
alter table apps add column lost_after_ms integer;

-- The instance whose place this one takes, and why.
alter table assignments add column replaces text;
alter table assignments add column move_reason text;
`;
