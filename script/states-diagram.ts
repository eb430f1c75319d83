import {
  BUILD_STATES,
  INSTANCE_STATES,
  ISSUED_STATES,
  isTerminal,
  NODE_STATES,
  ORDER_STATES,
  RELEASE_STATES,
  type StateTable,
} from '../shared/domain/states.ts';

const TABLES: readonly { readonly title: string; readonly table: StateTable<string> }[] = [
  { title: 'Build', table: BUILD_STATES },
  { title: 'Release', table: RELEASE_STATES },
  { title: 'Instance', table: INSTANCE_STATES },
  { title: 'Node', table: NODE_STATES },
  { title: 'Certificate of a domain', table: ORDER_STATES },
  { title: 'Revocation of a certificate', table: ISSUED_STATES },
];

const BEGIN = '<!-- states: written by script/states-doc.ts -->';
const END = '<!-- states: end -->';

/** One Mermaid diagram for each table. The first state of a table is the initial state. */
export function renderStates(): string {
  return TABLES.map(({ title, table }) => renderTable(title, table)).join('\n\n');
}

function renderTable(title: string, table: StateTable<string>): string {
  const states = Object.keys(table);
  const edges = states.flatMap((from) => (table[from] ?? []).map((to) => `  ${from} --> ${to}`));
  const ends = states.filter((state) => isTerminal(table, state)).map((state) => `  ${state} --> [*]`);
  return [
    `**${title}**`,
    '',
    '```mermaid',
    'stateDiagram-v2',
    `  [*] --> ${states[0] ?? ''}`,
    ...edges,
    ...ends,
    '```',
  ].join('\n');
}

/** The document with its block of diagrams replaced. @throws if the markers are missing */
export function replaceStates(document: string, diagrams: string): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`the document has no block between ${BEGIN} and ${END}`);
  return `${document.slice(0, begin + BEGIN.length)}\n\n${diagrams}\n\n${document.slice(end)}`;
}
