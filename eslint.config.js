import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

// Rules stand for a defect each; format is prettier's business. A flat config's rule replaces an earlier one of the
// same name, so the restricted lists are composed from these parts.

const noDefaultExport = {
  selector: 'ExportDefaultDeclaration',
  message: 'Named exports only: one name for one thing, found by search.',
};
const noClockByDate = {
  selector: "NewExpression[callee.name='Date'][arguments.length=0]",
  message: 'Time is a dependency: take a Clock (shared/kit/clock.ts).',
};
const noClockProperties = [
  { object: 'Date', property: 'now', message: 'Time is a dependency: take a Clock (shared/kit/clock.ts).' },
  { object: 'Math', property: 'random', message: 'Chance is a dependency: take a number, or use node:crypto for ids.' },
];
const noEnvironment = {
  object: 'process',
  property: 'env',
  message: 'The environment is read in main.ts and config.ts only.',
};
const noTimerGlobals = ['setTimeout', 'setInterval'].map((name) => ({
  name,
  message: 'Time is a dependency: take a Clock (shared/kit/clock.ts).',
}));
const noTimerImports = ['timers', 'timers/promises', 'node:timers', 'node:timers/promises'].map((name) => ({
  name,
  message: 'Time is a dependency: take a Clock (shared/kit/clock.ts).',
}));
const noProcesses = ['child_process', 'node:child_process'].map((name) => ({
  name,
  message: 'Programs are run by shared/kit/exec.ts alone: argv arrays, a clean environment, a time limit.',
}));
const noProcessImport = { name: 'node:process', importNames: ['env'], message: noEnvironment.message };

const mains = ['*/main.ts', 'cli/**/main.ts'];
const configs = ['*/config.ts'];

export default defineConfig(
  { ignores: ['node_modules/', '.tools/', '.slipway/', 'coverage/', 'examples/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  // Generated: parsed, held to no rule, so that a change of the wire passes a check of the changed files alone.
  { files: ['shared/rpc/gen/**/*.ts'], languageOptions: { parser: tseslint.parser } },
  {
    files: ['**/*.ts'],
    ignores: ['shared/rpc/gen/**'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // budgets
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'max-lines': ['error', { max: 300 }],
      'max-params': 'off',
      '@typescript-eslint/max-params': ['error', { max: 3 }],
      complexity: ['error', { max: 10 }],

      // boundaries
      'no-console': 'error',
      'no-restricted-syntax': ['error', noDefaultExport, noClockByDate],
      'no-restricted-properties': ['error', ...noClockProperties, noEnvironment],
      'no-restricted-globals': ['error', ...noTimerGlobals],
      'no-restricted-imports': ['error', { paths: [...noProcesses, ...noTimerImports, noProcessImport] }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],

      // defects
      eqeqeq: 'error',
      'preserve-caught-error': 'error',
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['test', 'it', 'describe', 'suite'] },
          ],
        },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],

      // An async function without await turns a throw into a rejection, which is what an async port promises.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // `catch(() => undefined)` and empty fakes say what they mean.
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' },
      ],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],

      // They take a fifth of the time of all rules and find nothing: there are no enums, and private fields keep classes apart.
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
    },
  },
  {
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    rules: { 'no-undef': 'off', eqeqeq: 'error' },
  },
  {
    files: ['cli/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts', 'script/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    // Composition roots: here time, chance and the environment come in.
    files: mains,
    rules: {
      'no-restricted-syntax': ['error', noDefaultExport],
      'no-restricted-properties': 'off',
      'no-restricted-globals': 'off',
      'no-restricted-imports': ['error', { paths: noProcesses }],
    },
  },
  {
    // The rest of a composition root: it hands out time and chance, but reads no environment.
    files: ['*/compose.ts', '*/compose-*.ts'],
    rules: {
      'no-restricted-syntax': ['error', noDefaultExport],
      'no-restricted-properties': ['error', noEnvironment],
      'no-restricted-globals': 'off',
      'no-restricted-imports': ['error', { paths: [...noProcesses, noProcessImport] }],
    },
  },
  { files: configs, rules: { 'no-restricted-properties': ['error', ...noClockProperties] } },
  {
    files: ['shared/kit/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', noDefaultExport],
      'no-restricted-properties': ['error', noEnvironment],
      'no-restricted-globals': 'off',
      'no-restricted-imports': ['error', { paths: [...noProcesses, noProcessImport] }],
    },
  },
  { files: ['shared/kit/exec.ts'], rules: { 'no-restricted-imports': 'off' } },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts', 'script/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', noDefaultExport],
      'no-restricted-properties': 'off',
      'no-restricted-globals': 'off',
      'no-restricted-imports': ['error', { paths: noProcesses }],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/max-params': ['error', { max: 4 }],
      // A describe block is a function too; the length that matters is that of one test.
      'max-lines-per-function': ['error', { max: 250, skipBlankLines: true, skipComments: true }],
      'max-lines': ['error', { max: 400 }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
);
