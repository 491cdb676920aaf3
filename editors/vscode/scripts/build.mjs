/**
 * Makes `dist/`: the extension in one file, the page script of its preview, and the TextMate grammar.
 *
 * `node scripts/build.mjs [--watch] [--test]`: `--test` makes the tests too, in `dist-test/`.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { context } from 'esbuild';

import { words } from '../../words.mjs';
import { textmate } from './textmate.mjs';

const watch = process.argv.includes('--watch');

/** @type {import('esbuild').BuildOptions} */
const common = { bundle: true, sourcemap: watch, minify: !watch, logLevel: 'warning', legalComments: 'none' };
const builds = [
  {
    ...common, entryPoints: ['src/extension.ts'], outfile: 'dist/extension.js',
    platform: 'node', format: 'cjs', target: 'node20', external: ['vscode'],
  },
  { ...common, entryPoints: ['src/preview/view.ts'], outfile: 'dist/view.js', platform: 'browser', target: 'es2022' },
];
if (process.argv.includes('--test')) {
  const tests = readdirSync('test').filter((name) => name.endsWith('.test.ts')).map((name) => `test/${name}`);
  builds.push({
    ...common, minify: false, entryPoints: tests, outdir: 'dist-test', outExtension: { '.js': '.mjs' },
    platform: 'node', format: 'esm', target: 'node20', packages: 'external',
    // It looks for the grammar from where it lies itself, which is as far from here.
    external: ['*/words.mjs'],
  });
}

mkdirSync('dist', { recursive: true });
writeFileSync('dist/journey.tmLanguage.json', JSON.stringify(textmate(words())));
for (const build of builds) {
  const made = await context(build);
  if (watch) {
    await made.watch();
  } else {
    await made.rebuild();
    await made.dispose();
  }
}
