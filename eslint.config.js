/**
 * Lint guards what the compiler cannot see: promises nobody waits for, unions with a forgotten case, and time
 * or chance that was not handed in. Rules about taste are left to the reviewer.
 */
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Tests and tools stand outside the appliance: they may read the clock and the dice of the machine. */
const OUTSIDE = ['**/*.test.ts', '**/*.suite.ts', '**/*test-helper.ts', 'bench/**', 'scripts/**'];
const TESTS = ['**/*.test.ts', '**/*.suite.ts', '**/*test-helper.ts'];

const CLOCK = 'Time is handed in: use the Clock of base/clock.ts.';
const CHANCE = 'Chance is handed in: use the Random of base/random.ts.';

const timers = ['setTimeout', 'setInterval'];

export default defineConfig(
  { ignores: ['dist/', 'build/', 'node_modules/', '.tap/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      'no-async-promise-executor': 'error',
      'no-cond-assign': 'error',
      'no-constant-binary-expression': 'error',
      'no-debugger': 'error',
      'no-dupe-else-if': 'error',
      'no-loss-of-precision': 'error',
      'no-self-assign': 'error',
      'no-self-compare': 'error',
      'no-unsafe-finally': 'error',
      'no-unsafe-optional-chaining': 'error',
      '@typescript-eslint/no-floating-promises': ['error', { allowForKnownSafeCalls: tapCalls() }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-misused-spread': ['error', { allow: ['string'] }],
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false, attributes: false } }],
      // The compiler reports unused names already.
      '@typescript-eslint/no-unused-vars': 'off',
      // Taste, or at odds with the house: an async function may keep a face, `!` states what a length check has shown.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      '@typescript-eslint/no-unnecessary-boolean-literal-compare': 'off',
      '@typescript-eslint/no-unnecessary-template-expression': 'off',
      '@typescript-eslint/no-unnecessary-type-arguments': 'off',
      '@typescript-eslint/no-unnecessary-type-conversion': 'off',
      '@typescript-eslint/unified-signatures': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
    },
  },
  {
    files: ['**/*.ts'],
    ignores: [...OUTSIDE, 'base/clock.ts', 'base/random.ts', 'sim/guard.ts'],
    rules: {
      'no-restricted-globals': ['error', ...timers.map((name) => ({ name, message: CLOCK }))],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: CLOCK },
        { object: 'performance', property: 'now', message: CLOCK },
        { object: 'process', property: 'hrtime', message: CLOCK },
        { object: 'AbortSignal', property: 'timeout', message: CLOCK },
        ...timers.map((property) => ({ object: 'globalThis', property, message: CLOCK })),
        { object: 'Math', property: 'random', message: CHANCE },
      ],
      'no-restricted-imports': [
        'error',
        { paths: ['node:timers', 'node:timers/promises', 'timers', 'timers/promises', 'node:perf_hooks', 'perf_hooks'].map((name) => ({ name, message: CLOCK })) },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: CLOCK },
        { selector: "CallExpression[callee.name='mkdir'] Property[key.name='recursive']", message: 'Use makeFolder of base/make-folder.ts: this goes round for ever where nothing can be made.' },
      ],
    },
  },
  {
    files: TESTS,
    rules: {
      // A test that runs alone switches off all others, and nobody notices.
      'no-restricted-syntax': ['error', { selector: "CallExpression[callee.property.name='only']", message: 'A test must not run alone.' }],
      // Tests hand in wrong values on purpose.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
);

/** tap itself waits for these: a promise of theirs that nobody awaits is not lost. */
function tapCalls() {
  const packages = ['@tapjs/core', '@tapjs/asserts', '@tapjs/test'];
  return packages.map((name) => ({ from: 'package', package: name, name: ['test', 'rejects', 'resolves', 'resolveMatch'] }));
}
