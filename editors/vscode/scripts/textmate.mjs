/**
 * The TextMate grammar of journey files, made of the words of the language. It colours a file before the server has
 * read it; what a name stands for is told by the server's semantic tokens.
 */

/** Words that stand between two values or before one. */
const OPERATORS = ['and', 'or', 'not', 'in', 'is', 'contains', 'has', 'since'];
const CONSTANTS = ['true', 'false'];

const NAME = '[A-Za-z_\\u00C0-\\u024F][A-Za-z0-9_\\u00C0-\\u024F]*';
const word = (pattern) => `(?<![\\w.-])${pattern}(?!\\w)`;
const any = (words) => `(?:${words.join('|')})`;

/**
 * @param {import('../../words.mjs').Words} words
 */
export function textmate(words) {
  for (const operator of [...OPERATORS, ...CONSTANTS]) {
    if (!words.keywords.includes(operator)) throw new Error(`\`${operator}\` is no word of the language`);
  }
  const apart = new Set([...OPERATORS, ...CONSTANTS]);
  const keywords = words.keywords.filter((keyword) => !apart.has(keyword));
  const unit = any(words.units);
  /** A keyword with the name of a thing behind it. */
  const named = (before, scope) => ({
    match: `${word(`(${before})`)}\\s+(${NAME})`,
    captures: { 1: { name: 'keyword.control.journey' }, 2: { name: scope } },
  });

  return {
    $schema: 'https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json',
    name: 'Lotse journey',
    scopeName: 'source.journey',
    patterns: [{ include: '#everything' }],
    repository: {
      everything: {
        patterns: ['comment', 'text', 'field', 'declared', 'named', 'literal', 'call', 'type', 'setting', 'word', 'sign']
          .map((name) => ({ include: `#${name}` })),
      },
      comment: {
        patterns: [
          {
            match: '(#\\s*)(allow)(\\s+[EW]\\d{3}(?:\\s*,\\s*[EW]\\d{3})*)(.*)$',
            name: 'comment.line.number-sign.journey',
            captures: { 2: { name: 'keyword.other.allow.journey' }, 3: { name: 'constant.other.code.journey' } },
          },
          { match: '#.*$', name: 'comment.line.number-sign.journey' },
        ],
      },
      text: {
        patterns: [
          {
            begin: '"""', end: '"""', name: 'string.quoted.triple.journey',
            patterns: [{ include: '#template' }],
          },
          {
            begin: '"', end: '"|$', name: 'string.quoted.double.journey',
            patterns: [
              { match: '\\\\(?:u\\{[0-9A-Fa-f]+\\}|.)', name: 'constant.character.escape.journey' },
              { include: '#template' },
            ],
          },
        ],
      },
      template: {
        patterns: [
          { match: '\\{\\{.*?\\}\\}', name: 'meta.embedded.expression.jinja.journey variable.other.template.journey' },
          { match: '\\{%.*?%\\}', name: 'meta.embedded.statement.jinja.journey keyword.control.template.journey' },
          { match: '\\{#.*?#\\}', name: 'comment.block.template.journey' },
        ],
      },
      field: {
        match: `${word(`(${any(words.scopes)})`)}\\s*(\\.)\\s*(${NAME})`,
        captures: {
          1: { name: 'variable.language.journey' },
          2: { name: 'punctuation.accessor.journey' },
          3: { name: 'variable.other.property.journey' },
        },
      },
      declared: {
        patterns: [
          named('journey|event|topic|measure|segment|survey|experiment', 'entity.name.type.journey'),
          {
            match: `^\\s*(?!${any([...keywords, 'send'])}\\s)(${NAME})\\s+(${NAME})\\s*(?=\\{)`,
            captures: { 1: { name: 'storage.type.channel.journey' }, 2: { name: 'entity.name.function.message.journey' } },
          },
        ],
      },
      named: {
        patterns: [
          named('stage|go\\s+to|into', 'entity.name.label.stage.journey'),
          named('end\\s+as|outcome', 'entity.name.label.outcome.journey'),
          {
            match: `${word('(send|expect)')}\\s+(?!${any([...keywords, ...words.scopes])}(?!\\w))(${NAME})\\s+(${NAME})`,
            captures: {
              1: { name: 'keyword.control.journey' },
              2: { name: 'storage.type.channel.journey' },
              3: { name: 'entity.name.function.message.journey' },
            },
          },
        ],
      },
      literal: {
        patterns: [
          { match: '\\b\\d{4}-\\d{1,2}-\\d{1,2}\\b', name: 'constant.numeric.date.journey' },
          { match: '\\b\\d{1,2}:\\d{2}\\b', name: 'constant.numeric.time.journey' },
          { match: '\\b\\d+(?:\\.\\d+)? ?%', name: 'constant.numeric.share.journey' },
          {
            match: `\\b(\\d+)(\\s*)(${unit})\\b`,
            captures: { 1: { name: 'constant.numeric.journey' }, 3: { name: 'keyword.other.unit.journey' } },
          },
          { match: '\\b\\d+(?:\\.\\d+)?\\b', name: 'constant.numeric.journey' },
          { match: word(any(CONSTANTS)), name: 'constant.language.journey' },
        ],
      },
      call: {
        patterns: [
          {
            match: `${word(`(${any([...words.aggregates, ...words.reactions, 'today', 'now'])})`)}(?=\\s*\\()`,
            name: 'support.function.journey',
          },
          {
            match: `${word(`(${unit})`)}(?=\\s+(?:since|until)\\b)`,
            name: 'keyword.other.unit.journey',
          },
          {
            match: `${word(`(${any(words.reactions)})`)}\\s+(?!where\\b)(${NAME})`,
            captures: { 1: { name: 'support.function.journey' }, 2: { name: 'entity.name.function.message.journey' } },
          },
        ],
      },
      type: {
        match: `(?<=[\\w\\u00C0-\\u024F])(\\s+)(${any(words.types)}(?:\\s+of\\s+${any(words.types)})?)(?=\\s*(?:$|[,=}#]|one\\s+of|${NAME}\\s+${any(words.types)}))`,
        captures: { 2: { name: 'support.type.journey' } },
      },
      setting: {
        patterns: [
          {
            match: `${word(`(${any(words.settings)})`)}(?=\\s*["\\d])`,
            name: 'support.variable.setting.journey',
          },
          {
            match: `${word('(from)')}\\s+(${NAME})`,
            captures: { 1: { name: 'support.variable.setting.journey' }, 2: { name: 'variable.other.sender.journey' } },
          },
        ],
      },
      word: {
        patterns: [
          { match: word(any(OPERATORS)), name: 'keyword.operator.word.journey' },
          { match: word(any(words.weekdays)), name: 'constant.language.weekday.journey' },
          { match: word(any(keywords)), name: 'keyword.control.journey' },
        ],
      },
      sign: {
        patterns: [
          { match: '==|!=|<=|>=|<|>|=|\\+|-|\\*|/', name: 'keyword.operator.journey' },
          { match: ',', name: 'punctuation.separator.journey' },
          { match: '[{}]', name: 'punctuation.section.block.journey' },
          { match: '[\\[\\]()]', name: 'punctuation.section.brackets.journey' },
        ],
      },
    },
  };
}
