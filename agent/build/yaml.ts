// A named export, because the bundler keeps only the default export of a CommonJS package that is imported dynamically.
export { parse } from 'yaml';
