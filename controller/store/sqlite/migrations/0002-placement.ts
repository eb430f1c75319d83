/**
 * Placement and limits of process types, and the memory that is reserved on each node. Triggers keep the sums, so that every
 * change of an assignment updates them and no push has to sum over the whole fleet.
 */
export const placement = `
alter table formations add column every_node integer not null default 0 check (every_node in (0, 1));
create index formations_on_every_node on formations (app_id) where every_node = 1;

create table process_settings (
  app_id text not null references apps (id),
  process_type text not null,
  placement text,
  limits text,
  primary key (app_id, process_type)
) strict, without rowid;

create table node_promises (
  node_id text primary key references nodes (id),
  memory_bytes integer not null,
  leaving_bytes integer not null
) strict, without rowid;

insert into node_promises (node_id, memory_bytes, leaving_bytes)
select node_id,
       sum(json_extract(limits, '$.memoryBytes')),
       sum(case when desired = 'run' then 0 else json_extract(limits, '$.memoryBytes') end)
from assignments group by node_id;

create trigger assignments_promise after insert on assignments begin
  insert into node_promises (node_id, memory_bytes, leaving_bytes)
  values (
    new.node_id,
    json_extract(new.limits, '$.memoryBytes'),
    case when new.desired = 'run' then 0 else json_extract(new.limits, '$.memoryBytes') end
  )
  on conflict (node_id) do update set
    memory_bytes = memory_bytes + excluded.memory_bytes,
    leaving_bytes = leaving_bytes + excluded.leaving_bytes;
end;

create trigger assignments_return after delete on assignments begin
  update node_promises set
    memory_bytes = memory_bytes - json_extract(old.limits, '$.memoryBytes'),
    leaving_bytes = leaving_bytes - case when old.desired = 'run' then 0 else json_extract(old.limits, '$.memoryBytes') end
  where node_id = old.node_id;
end;

create trigger assignments_change after update of desired on assignments begin
  update node_promises set
    leaving_bytes = leaving_bytes
      - case when old.desired = 'run' then 0 else json_extract(old.limits, '$.memoryBytes') end
      + case when new.desired = 'run' then 0 else json_extract(new.limits, '$.memoryBytes') end
  where node_id = new.node_id;
end;
`;
