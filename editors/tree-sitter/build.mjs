/**
 * Writes what is made from `grammar.js`: the parser in `src/`, and the keywords in `queries/highlights.scm`.
 *
 * `node build.mjs [TREE-SITTER]`, where TREE-SITTER is the program of that name if it is not on the `PATH`.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const MARK = '; What follows is written by build.mjs from the grammar.\n';

const here = (path) => new URL(path, import.meta.url);

const WORD = /^[a-z]+$/;

/** The words in a rule and in the hidden rules that it is made of, which have no node of their own. */
function within(rule, rules, found = new Set()) {
  if (rule === null || typeof rule !== 'object') return found;
  if (rule.type === 'STRING' && WORD.test(rule.value)) found.add(rule.value);
  if (rule.type === 'SYMBOL' && rule.name.startsWith('_')) within(rules[rule.name], rules, found);
  // A word that is a name there is none, and `starts with` is one token.
  if (rule.type === 'ALIAS') {
    if (!rule.named) rule.value.split(' ').forEach((word) => found.add(word));
    return found;
  }
  Object.values(rule).forEach((part) => within(part, rules, found));
  return found;
}

/** All words that a grammar takes. */
export function literals({ rules }) {
  const strings = [...JSON.stringify(rules).matchAll(/"type":"STRING","value":"([a-z]+)"/g)].map(([, word]) => word);
  return [...new Set([...strings, ...Object.values(rules).flatMap((rule) => [...within(rule, rules)])])].sort();
}

/** The part of the highlights that colours keywords. */
function keywords({ rules }, written) {
  const apart = new Set([...written.matchAll(/"([a-z ]+)"/g)].flatMap(([, words]) => words.split(' ')));
  const whole = [...written.matchAll(/^\((\w+)\) @/gm)].map(([, rule]) => rule);
  const inside = new Set(whole.flatMap((rule) => [...within(rules[rule] ?? {}, rules)]));
  const anonymous = new Set(Object.values(rules).flatMap((rule) => [...within(rule, rules)]));
  const plain = [...anonymous].sort().filter((word) => !apart.has(word) && !inside.has(word));
  const lines = [`[\n${plain.map((word) => `  "${word}"\n`).join('')}] @keyword\n`];
  // A word that is elsewhere a node of its own has another colour there.
  for (const [name, rule] of Object.entries(rules)) {
    if (name.startsWith('_') || whole.includes(name)) continue;
    const words = [...within(rule, rules)].filter((word) => inside.has(word) && !apart.has(word));
    if (words.length > 0) lines.push(`(${name} [${words.map((word) => `"${word}"`).join(' ')}] @keyword)\n`);
  }
  return lines.join('');
}

const json = (path) => JSON.parse(readFileSync(here(path), 'utf8'));

if (import.meta.filename === process.argv[1]) {
  // Version 15 of what parsers are like gives nothing that the grammar needs, and Helix before 25.07 cannot read it.
  execFileSync(process.argv[2] ?? 'tree-sitter', ['generate', '--abi', '14'], { cwd: here('.'), stdio: 'inherit' });
  const file = here('queries/highlights.scm');
  const [written] = readFileSync(file, 'utf8').split(MARK);
  writeFileSync(file, written + MARK + keywords(json('src/grammar.json'), written));
}
