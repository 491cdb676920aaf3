/**
 * The words of the journey language, read from its grammar, so that no list of them is kept a second time.
 *
 * A word is what an atomic rule of `grammar/journey.pest` takes that may not be followed by a part of a word. Rules that
 * take what people write by mistake (`wrong_…`) and those that only look ahead (`…_word`) do not count.
 *
 * @typedef {object} Words
 * @property {string[]} keywords what `k_…` takes
 * @property {string[]} units lengths of time
 * @property {string[]} weekdays
 * @property {string[]} scopes what a field belongs to
 * @property {string[]} aggregates functions over what happened
 * @property {string[]} reactions what becomes of a message
 * @property {string[]} types what a field can be
 * @property {string[]} settings what has a text behind it, in messages and surveys
 */
import { readFileSync } from 'node:fs';

const GROUPS = {
  unit: 'units',
  weekday: 'weekdays',
  scope: 'scopes',
  aggregate_kind: 'aggregates',
  reaction_kind: 'reactions',
  type_word: 'types',
  setting_word: 'settings',
  name_scale: 'settings',
  name_comment: 'settings',
};
const LOOK_AHEAD = ['clause_word', 'statement_word', 'step_word'];

/**
 * @param {string} pest the text of the grammar
 * @returns {Words}
 */
export function wordsOf(pest) {
  const words = Object.fromEntries(['keywords', ...Object.values(GROUPS)].map((group) => [group, []]));
  for (const [, rule, body] of pest.matchAll(/^(\w+) *= *@\{(.*~ *!word_part) *\}$/gm)) {
    if (rule.startsWith('wrong_') || LOOK_AHEAD.includes(rule)) continue;
    const found = [...body.matchAll(/"([a-z]{2,})"( *~ *"s"\?)?/g)];
    if (found.length === 0) continue;
    const group = rule.startsWith('k_') ? 'keywords' : GROUPS[rule];
    if (!group) throw new Error(`the rule \`${rule}\` takes words: say in words.mjs what they are`);
    // Behind a bracket the plural is of all words in it.
    const plurals = /\) *~ *"s"\?/.test(body);
    for (const [, word, plural] of found) {
      words[group].push(word);
      if (plural || plurals) words[group].push(`${word}s`);
    }
  }
  // What no other rule names is a word of the language no more.
  words.keywords = words.keywords.filter((word) => used(pest, word));
  for (const group of Object.keys(words)) words[group] = [...new Set(words[group])].sort();
  return words;
}

function used(pest, word) {
  const rule = [word, word.replace(/s$/, '')].map((name) => `k_${name}s?`).join('|');
  return (pest.match(new RegExp(`\\b(${rule})\\b`, 'g')) ?? []).length > 1;
}

/** The words of the grammar of this repository. */
export function words() {
  return wordsOf(readFileSync(new URL('../grammar/journey.pest', import.meta.url), 'utf8'));
}
