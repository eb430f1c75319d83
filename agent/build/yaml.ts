// By name: bundled, a CommonJS package that is imported late keeps its default export alone.
export { parse } from 'yaml';
