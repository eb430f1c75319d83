/** The ceilings of limits that an administrator has set, as a JSON object. Other ceilings have their default. */
export const ceilings = `
alter table controller add column limit_ceilings text not null default '{}';
`;
