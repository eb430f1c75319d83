/** The warnings of a site that can be served. @throws when it cannot be served as its static.json says */
export function checkSite(directory: string, env: Readonly<Record<string, string>>): string[];
