/** The ceilings of limits that an administrator has set, as a JSON object; absent ones are the defaults. */
export const ceilings = `
alter table controller add column limit_ceilings text not null default '{}';
`;
