/** The name of the node whose drain ended a command. */
export const drainedCommands = `
alter table commands add column drained_node text;
`;
