/** Labels that a node must have to build, as a JSON object. If it is empty, every node whose agent accepts builds may build. */
export const builders = `
alter table controller add column builder_labels text not null default '{}';
`;
