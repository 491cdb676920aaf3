import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import oniguruma from 'vscode-oniguruma';
import textmate from 'vscode-textmate';

import { words } from '../../words.mjs';

await oniguruma.loadWASM(readFileSync('node_modules/vscode-oniguruma/release/onig.wasm'));
const registry = new textmate.Registry({
  onigLib: Promise.resolve({
    createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
    createOnigString: (text) => new oniguruma.OnigString(text),
  }),
  loadGrammar: (scope) => {
    assert.equal(scope, 'source.journey', 'no other grammar is needed');
    const path = 'dist/journey.tmLanguage.json';
    return Promise.resolve(textmate.parseRawGrammar(readFileSync(path, 'utf8'), path));
  },
});
const loaded = await registry.loadGrammar('source.journey');
assert.ok(loaded);
const grammar = loaded;

/** The words of a text with the innermost scope of each, without those that have none. */
function coloured(text: string): [string, string][] {
  let state = textmate.INITIAL;
  return text.split('\n').flatMap((line) => {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, state);
    state = ruleStack;
    return tokens
      .filter(({ scopes }) => scopes.length > 1)
      .map(({ startIndex, endIndex, scopes }): [string, string] => [
        line.slice(startIndex, endIndex),
        scopes.slice(1).join(' ').replaceAll('.journey', ''),
      ])
      .filter(([word]) => word.trim() !== '');
  });
}

const scope = (text: string, word: string): string | undefined => coloured(text).find(([found]) => found === word)?.[1];

test('every word of the language has a colour', () => {
  const all = words();
  for (const word of all.keywords) assert.ok(scope(`x ${word} y`, word), `\`${word}\` has no colour`);
  for (const word of all.weekdays) assert.equal(scope(`until ${word} 09:00`, word), 'constant.language.weekday');
  for (const word of all.units) assert.equal(scope(`wait 3 ${word}`, word), 'keyword.other.unit');
  for (const word of all.scopes) assert.equal(scope(`if ${word}.total > 1`, word), 'variable.language');
  for (const word of all.aggregates) assert.equal(scope(`if ${word}(bought)`, word), 'support.function');
  for (const word of all.reactions) {
    assert.equal(scope(`on ${word} hello {`, word), 'support.function');
    assert.equal(scope(`if ${word}(hello)`, word), 'support.function');
  }
  for (const word of all.types.filter((type) => !['list', 'of'].includes(type))) {
    assert.equal(scope(`  field ${word}`, word), 'support.type');
    assert.equal(scope(`  field list of ${word} = []`, `list of ${word}`), 'support.type');
  }
  for (const word of all.settings) assert.equal(scope(`  ${word} "x"`, word), 'support.variable.setting');
});

test('names are told apart from words', () => {
  assert.equal(scope('journey welcome "Welcome" {', 'welcome'), 'entity.name.type');
  assert.equal(scope('  stage contact {', 'contact'), 'entity.name.label.stage');
  assert.equal(scope('    go to wait', 'wait'), 'entity.name.label.stage');
  assert.equal(scope('    end as done', 'done'), 'entity.name.label.outcome');
  assert.equal(scope('email hello {', 'email'), 'storage.type.channel');
  assert.equal(scope('  send sms parcel_today', 'parcel_today'), 'entity.name.function.message');
  assert.equal(scope('  expect email hello', 'hello'), 'entity.name.function.message');
  assert.equal(scope('  from marketing', 'from'), 'support.variable.setting');
  assert.equal(scope('  set contact.wait = 1', 'wait'), 'variable.other.property');
  assert.equal(scope('  record event_of_mine { }', 'event_of_mine'), undefined);
  assert.equal(scope('  if weekend', 'weekend'), undefined, 'a word within a name');
});

test('a send of the first of several is no message', () => {
  assert.equal(scope('  send first of {', 'first'), 'keyword.control');
});

test('texts hold templates, escapes and signs of comments', () => {
  assert.equal(scope('subject "# {{ contact.first_name }}"', '{{ contact.first_name }}')?.split(' ')[0], 'string.quoted.double');
  assert.equal(scope('tag "a\\"b"', '\\"'), 'string.quoted.double constant.character.escape');
  assert.deepEqual(coloured('body """\n  # no comment "at all"\n  """ # one').at(2), [
    '  # no comment "at all"',
    'string.quoted.triple',
  ]);
  assert.equal(scope('body """\n  x\n  """ # one', '# one'), 'comment.line.number-sign');
  assert.equal(scope('tag "open\nend', 'end'), 'keyword.control', 'a text that is not closed ends with its line');
});

test('literals', () => {
  assert.equal(scope('starts 2027-03-01 09:00', '2027-03-01'), 'constant.numeric.date');
  assert.equal(scope('starts 2027-03-01 09:00', '09:00'), 'constant.numeric.time');
  assert.equal(scope('control 12.5 %', '12.5 %'), 'constant.numeric.share');
  assert.equal(scope('wait 3 days', '3'), 'constant.numeric');
  assert.equal(scope('if contact.vip == true', 'true'), 'constant.language');
});

test('a silence shows its codes', () => {
  assert.equal(
    scope('# allow W601, W602: no link', ' W601, W602'),
    'comment.line.number-sign constant.other.code',
  );
});
