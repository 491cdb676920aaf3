/**
 * Every journey of the repository is read without a mistake, and no word of the language is forgotten.
 *
 * `node --test test/`; `TREE_SITTER` names the program if it is not on the `PATH`.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, test } from 'node:test';

import { words } from '../../words.mjs';
import { literals } from '../build.mjs';

const grammar = fileURLToPath(new URL('..', import.meta.url));
const root = join(grammar, '../..');
const folder = mkdtempSync(join(tmpdir(), 'journeys-'));
after(() => rmSync(folder, { recursive: true }));

function treeSitter(...given) {
  const { status, stdout, stderr, error } = spawnSync(process.env.TREE_SITTER ?? 'tree-sitter', given, {
    cwd: grammar,
    encoding: 'utf8',
    env: { ...process.env, XDG_CACHE_HOME: join(folder, 'cache'), NO_COLOR: '1' },
  });
  assert.equal(error, undefined);
  return { status, told: stdout + stderr };
}

/** Parses texts, and gives the names of those that are not understood. */
function misread(texts) {
  const inside = mkdtempSync(join(folder, 'texts-'));
  const list = join(inside, 'list');
  const names = [...texts.keys()];
  names.forEach((name, index) => writeFileSync(join(inside, `${index}.journey`), texts.get(name)));
  writeFileSync(list, names.map((_, index) => join(inside, `${index}.journey`)).join('\n'));
  const { told } = treeSitter('parse', '--quiet', '--paths', list);
  return [...told.matchAll(/(\d+)\.journey\b.*?(\((?:ERROR|MISSING).*)/g)].map(
    ([, index, where]) => `${names[Number(index)]} ${where}`,
  );
}

function files(path, end = '.journey') {
  return readdirSync(join(root, path), { recursive: true })
    .filter((name) => name.endsWith(end))
    .map((name) => join(path, name));
}

const read = (path) => readFileSync(join(root, path), 'utf8');

test('mistakes are seen', () => {
  const texts = new Map([
    ['good', 'topic news "News"\n'],
    ['bad', 'journey j { stage s { send email } }\n'],
  ]);
  assert.equal(misread(texts).length, 1);
});

test('every journey that comes along', () => {
  const texts = new Map([...files('journeys'), ...files('tests/language/example'), ...files('src')].map((path) => [path, read(path)]));
  assert.ok(texts.size > 40);
  assert.deepEqual(misread(texts), []);
});

test('every example of the documentation', () => {
  const pages = readdirSync(join(root, 'docs'), { recursive: true }).filter((name) => name.endsWith('.md'));
  const texts = new Map();
  for (const page of [...pages.map((name) => join('docs', name)), 'README.md']) {
    for (const fence of read(page).matchAll(/^```journey( .*)?\n([^]*?)^```$/gm)) {
      // What E001 shows is not the language.
      if (!(page.endsWith('E001.md') && fence[1] === ' wrong')) texts.set(`${page} at ${fence.index}`, fence[2]);
    }
  }
  assert.ok(texts.size > 30);
  assert.deepEqual(misread(texts), []);
});

test('every text that the tests of the language take', () => {
  const texts = new Map();
  for (const path of files('tests/language/ok')) {
    for (const part of read(path).split(/^(?=### )/m)) {
      const [title] = part.split('\n', 1);
      if (!title.startsWith('### file:') || title.endsWith('.journey')) texts.set(`${path} ${title}`, part);
    }
  }
  assert.ok(texts.size > 100);
  assert.deepEqual(misread(texts), []);
});

test('no word of the language is forgotten, and none is made up', () => {
  const { settings, ...known } = words();
  const taken = literals(JSON.parse(readFileSync(join(grammar, 'src/grammar.json'), 'utf8')));
  const language = [...new Set(Object.values(known).flat())].sort();
  // In messages any word may be a setting; in a survey these two are words.
  assert.deepEqual(taken.filter((word) => !['scale', 'comment'].includes(word)), language);
  assert.ok(settings.includes('scale') && settings.includes('comment'));
});

test('every word has a colour, and the parser is the one of the grammar', () => {
  const copy = join(folder, 'copy');
  mkdirSync(join(copy, 'queries'), { recursive: true });
  for (const file of ['grammar.js', 'tree-sitter.json', 'build.mjs', 'queries/highlights.scm']) {
    writeFileSync(join(copy, file), readFileSync(join(grammar, file)));
  }
  const { status, stderr } = spawnSync(process.execPath, ['build.mjs', process.env.TREE_SITTER ?? 'tree-sitter'], {
    cwd: copy,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  for (const file of ['src/parser.c', 'src/grammar.json', 'src/node-types.json', 'queries/highlights.scm']) {
    const same = readFileSync(join(copy, file), 'utf8') === readFileSync(join(grammar, file), 'utf8');
    assert.ok(same, `${file} is not what grammar.js makes: run \`node build.mjs\``);
  }
});

test('the queries fit the grammar', () => {
  const journey = join(root, 'tests/language/example/spring_sale.journey');
  for (const query of readdirSync(join(grammar, 'queries'))) {
    const { status, told } = treeSitter('query', '--quiet', join('queries', query), journey);
    assert.equal(status, 0, `${query}: ${told}`);
  }
});

test('the corpus, and what has which colour', () => {
  const { status, told } = treeSitter('test');
  assert.equal(status, 0, told);
  assert.match(told, /words\.journey/);
});

test('nothing of the grammar is left out of the corpus', () => {
  const corpus = files(relative(root, join(grammar, 'test/corpus')), '.txt').map(read).join('\n');
  // A case is its title, its text and its tree.
  const cases = [...corpus.matchAll(/^=+\n.+\n=+\n([^]+?)\n-+\n([^]+?)(?=^=+\n|(?![^]))/gm)];
  const [texts, trees] = [1, 2].map((part) => cases.map((found) => found[part]).join('\n'));
  const kinds = JSON.parse(readFileSync(join(grammar, 'src/node-types.json'), 'utf8'));
  const found = new Set([...trees.matchAll(/\((\w+)/g)].map(([, kind]) => kind));
  const words = new Set(texts.match(/[a-z]+/g));
  const isThere = ({ type, named, subtypes }) => {
    if (named) return subtypes || found.has(type);
    return /^[a-z]/.test(type) ? type.split(' ').every((word) => words.has(word)) : texts.includes(type);
  };
  assert.deepEqual(kinds.filter((kind) => !isThere(kind)).map(({ type }) => type), []);
  const missing = literals(JSON.parse(readFileSync(join(grammar, 'src/grammar.json'), 'utf8'))).filter((word) => !words.has(word));
  assert.deepEqual(missing, []);
});
