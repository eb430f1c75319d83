/** Which nodes may build: labels that they must have, as a JSON object; none: every node whose agent is set to. */
export const builders = `
alter table controller add column builder_labels text not null default '{}';
`;
