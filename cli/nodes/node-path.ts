export const nodePath = (node: string): string => `/nodes/${encodeURIComponent(node)}`;
