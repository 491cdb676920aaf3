/**
 * The journey language for tree-sitter, in the order and with the names of `grammar/journey.pest`.
 *
 * It takes what `lotse check` takes and leaves what is wrong to the server: a text that it does not
 * take is coloured as well as may be, and told about by `lotse check`.
 *
 * Words of the language are names wherever they can be taken for nothing else. The generated lexer sees to most
 * of it: it takes a word for a keyword only where that keyword can stand. `name_beside` is for the few places
 * where both can.
 *
 * @file
 * @license MIT OR Apache-2.0
 */

/// <reference types="tree-sitter-cli/dsl" />
// @ts-check

const UNITS = [
  'second', 'seconds', 'minute', 'minutes', 'hour', 'hours', 'day', 'days', 'week', 'weeks',
  'month', 'months', 'year', 'years',
];
const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
const AGGREGATES = ['count', 'sum', 'avg', 'min', 'max', 'first', 'last'];
const REACTIONS = ['clicked', 'opened', 'delivered', 'bounced', 'complained', 'replied', 'answered'];
const SCOPES = ['contact', 'entry', 'event', 'reply'];
/** What begins a clause of a journey and may be the name of its goal as well. */
const CLAUSES = [
  'stage', 'owner', 'enter', 'reenter', 'starts', 'ends', 'permission', 'goal', 'leave', 'control',
  'priority', 'quiet', 'cap', 'late', 'timezone', 'on',
];

/** How tightly what stands between two values binds. */
const BINDS = { or: 1, and: 2, not: 3, compare: 4, sum: 5, product: 6, negate: 7, set: 8, since: 9 };

/**
 * A word that is a name although a keyword could stand there.
 *
 * @param {GrammarSymbols<string>} $
 * @param {string[]} words
 */
const name_beside = ($, ...words) => choice($.name, ...words.map((word) => alias(word, $.name)));

module.exports = grammar({
  name: 'journey',

  word: $ => $.name,

  extras: $ => [/[\s\u00A0\u202F\uFEFF\u200B]/, $.comment],

  // Only what is behind `one` says whether it begins `one of` or is the name of the next field, and only what is behind
  // `control` whether a clause begins or a goal is called so.
  conflicts: $ => [[$.field_declaration], [$.leave_clause]],

  supertypes: $ => [$.declaration, $.clause, $.statement, $.expectation],

  rules: {
    file: $ => repeat($.declaration),

    declaration: $ => choice(
      $.contact_declaration,
      $.event_declaration,
      $.topic_declaration,
      $.measure_declaration,
      $.segment_declaration,
      $.survey_declaration,
      $.policy_declaration,
      $.journey_declaration,
      $.test_declaration,
      $.message_declaration,
    ),

    // ------------------------------------------------------------------------------------------- literals

    comment: _ => token(seq('#', /[^\n]*/)),
    name: _ => /[A-Za-z_\u00C0-\u024F][A-Za-z0-9_\u00C0-\u024F]*/,

    text: $ => choice(
      seq('"', repeat(choice($.text_content, $.escape)), token.immediate('"')),
      seq('"""', optional(alias($.long_content, $.text_content)), token.immediate('"""')),
    ),
    text_content: _ => token.immediate(prec(1, /[^"\\\n]+/)),
    long_content: _ => token.immediate(prec(1, /([^"]|"[^"]|""[^"])+/)),
    escape: _ => token.immediate(prec(1, /\\[^\n]/)),

    number: _ => /\d+(\.\d+)?/,
    signed_number: $ => seq(optional('-'), $.number),
    share: _ => /\d+(\.\d+)? ?%/,
    unit: _ => choice(...UNITS),
    weekday: _ => choice(...WEEKDAYS),
    duration: $ => prec(1, seq($.number, $.unit)),
    clock_time: _ => /\d{1,2}:\d{2}/,
    date: _ => /\d{4}-\d{1,2}-\d{1,2}/,
    moment: $ => prec.right(seq($.date, optional($.clock_time))),
    boolean: _ => choice('true', 'false'),
    list: $ => seq('[', repeat(seq($._expression, optional(','))), ']'),

    // ---------------------------------------------------------------------------------------- expressions

    _expression: $ => choice($.binary, $.not, $.negate, $.is_set, $._operand),

    binary: $ => choice(
      ...[
        ['or', BINDS.or],
        ['and', BINDS.and],
        ['==', BINDS.compare],
        ['!=', BINDS.compare],
        ['<', BINDS.compare],
        ['<=', BINDS.compare],
        ['>', BINDS.compare],
        ['>=', BINDS.compare],
        ['in', BINDS.compare],
        [seq('not', 'in'), BINDS.compare],
        ['contains', BINDS.compare],
        // One token: `starts` and `ends` also begin the clause behind a condition.
        [alias(/starts\s+with/, 'starts with'), BINDS.compare],
        [alias(/ends\s+with/, 'ends with'), BINDS.compare],
        ['+', BINDS.sum],
        ['-', BINDS.sum],
        ['*', BINDS.product],
        ['/', BINDS.product],
      ].map(([sign, binds]) => prec.left(
        /** @type {number} */ (binds),
        seq(field('left', $._expression), field('sign', sign), field('right', $._expression)),
      )),
    ),
    not: $ => prec(BINDS.not, seq('not', $._expression)),
    negate: $ => prec(BINDS.negate, seq('-', $._expression)),
    is_set: $ => prec(BINDS.set, seq($._expression, 'is', optional('not'), 'set')),

    _operand: $ => choice(
      $.span_since,
      $.in_segment,
      $.has_tag,
      $.allows_topic,
      $.aggregate,
      $.reaction_of,
      $.field,
      $.today,
      $.now,
      $.list,
      $.boolean,
      $.text,
      $.moment,
      $.duration,
      $.share,
      $.clock_time,
      $.number,
      $.bracketed,
      $.reference,
    ),

    // It binds to the one value behind it.
    span_since: $ => prec(BINDS.since, seq($.unit, choice('since', 'until'), $._operand)),
    in_segment: $ => seq('in', 'segment', field('segment', $.name)),
    has_tag: $ => seq('has', 'tag', $.text),
    allows_topic: $ => seq('allows', field('topic', $.name)),
    aggregate: $ => seq(
      field('function', alias(choice(...AGGREGATES), $.function)),
      '(',
      field('event', $.name),
      optional(seq('.', field('field', $.name))),
      optional(seq('in', 'last', $.duration)),
      optional($.where),
      ')',
    ),
    reaction_of: $ => seq($.reaction_kind, '(', field('message', $.name), optional(','), optional($.text), ')'),
    reaction_kind: _ => choice(...REACTIONS),
    field: $ => prec(1, seq($.scope, '.', field('name', $.name))),
    scope: _ => choice(...SCOPES),
    today: _ => prec.right(seq('today', optional(seq('(', ')')))),
    now: _ => prec.right(seq('now', optional(seq('(', ')')))),
    bracketed: $ => seq('(', $._expression, ')'),
    reference: $ => $.name,
    where: $ => seq('where', $._expression),

    // --------------------------------------------------------------------------------------- declarations

    pairs: $ => seq('{', repeat($.pair), '}'),
    pair: $ => seq(field('key', $.name), field('value', $._expression), optional(',')),

    contact_declaration: $ => seq('contact', $.fields),
    event_declaration: $ => seq('event', field('name', $.name), field('label', optional($.text)), $.fields),
    fields: $ => seq('{', repeat($.field_declaration), '}'),
    field_declaration: $ => seq(
      // `one text one of ["of"]`
      field('name', name_beside($, 'one')),
      field('type', $.field_type),
      optional($.one_of),
      optional($.default),
      optional(','),
    ),
    field_type: _ => seq(optional(seq('list', 'of')), choice('text', 'number', 'boolean', 'date', 'datetime')),
    one_of: $ => seq('one', 'of', $.list),
    default: $ => seq('=', $._expression),

    topic_declaration: $ => prec.right(seq(
      'topic', field('name', $.name), field('label', optional($.text)), optional('essential'),
    )),
    measure_declaration: $ => seq('measure', field('name', $.name), '=', $._expression),
    segment_declaration: $ => seq('segment', field('name', $.name), '=', $._expression),

    survey_declaration: $ => seq(
      'survey', field('name', $.name), field('label', optional($.text)),
      '{', repeat(choice($.survey_scale, $.survey_comment)), '}',
    ),
    survey_scale: $ => seq('scale', $.signed_number, 'to', $.signed_number),
    survey_comment: $ => seq('comment', $.text),

    policy_declaration: $ => seq('policy', '{', repeat($._policy_clause), '}'),
    _policy_clause: $ => choice(
      $.quiet_clause, $.cap_clause, $.holdout_clause, $.late_clause, $.unsure_clause,
    ),
    holdout_clause: $ => seq('holdout', $.share),
    unsure_clause: $ => seq('unsure', field('value', $.name)),

    // Any word may name a channel; which ones exist says `lotse.yaml`.
    message_declaration: $ => seq(field('channel', $.name), field('name', $.name), $.message_body),
    message_body: $ => seq('{', repeat(choice($.message_utm, $.message_language, $.message_setting)), '}'),
    message_utm: $ => seq('utm', $.pairs, optional(',')),
    message_language: $ => seq('in', field('language', $.text), $.message_body, optional(',')),
    message_setting: $ => seq(field('key', $.name), field('value', choice($.text, $.name)), optional(',')),

    // ------------------------------------------------------------------------------------------- journeys

    journey_declaration: $ => seq(
      'journey', field('name', $.name), field('label', optional($.text)), $.journey_body,
    ),
    journey_body: $ => seq('{', repeat(choice($.clause, $.stage)), '}'),
    stage: $ => seq('stage', field('name', $.name), field('label', optional($.text)), $.block),

    clause: $ => choice(
      $.owner_clause,
      $.enter_clause,
      $.reenter_clause,
      $.starts_clause,
      $.ends_clause,
      $.permission_clause,
      $.goal_clause,
      $.leave_clause,
      $.control_clause,
      $.priority_clause,
      $.quiet_clause,
      $.cap_clause,
      $.late_clause,
      $.timezone_clause,
      $.on_change_clause,
    ),

    owner_clause: $ => seq('owner', $.text),
    enter_clause: $ => seq('enter', choice(
      $._enter_request,
      $._enter_every,
      $._enter_without,
      $._enter_yearly,
      $._enter_on_date,
      $._enter_relative,
      $._enter_when,
      $._enter_on,
    ), optional($.into)),
    into: $ => seq('into', field('stage', $.name)),
    _enter_request: _ => seq('by', 'request'),
    _enter_every: $ => seq(
      'every',
      choice(
        seq('cron', $.text),
        seq(choice('day', $.weekday, seq('month', 'on', $.number)), optional($.at_time)),
      ),
      optional($.where),
    ),
    _enter_without: $ => seq('after', $.duration, 'without', field('event', $.name), optional($.where)),
    _enter_yearly: $ => seq('yearly', 'on', $.field, optional($.at_time), optional($.where)),
    _enter_on_date: $ => seq('on', $.field, optional($.at_time), optional($.where)),
    _enter_relative: $ => seq(
      $.duration, choice('before', 'after'), $.field, optional($.at_time), optional($.where),
    ),
    _enter_when: $ => seq('when', $._expression, optional('backfill')),
    _enter_on: $ => seq('on', field('event', $._event_name), optional($.where), optional($.per)),
    _event_name: $ => name_beside($, ...SCOPES),
    per: $ => seq('per', choice($.field, $.name)),
    at_time: $ => seq('at', $.clock_time),

    reenter_clause: $ => seq('reenter', choice('never', 'always', seq('after', $.duration))),
    starts_clause: $ => seq('starts', $.moment),
    ends_clause: $ => seq('ends', $.moment),
    permission_clause: $ => seq('permission', field('topic', $.name)),
    goal_clause: $ => seq(
      'goal',
      field('name', optional(name_beside($, 'on'))),
      'on',
      field('event', $.name),
      optional($.where),
      optional(seq('within', $.duration)),
      optional(seq('worth', $._expression)),
    ),
    leave_clause: $ => seq('leave', choice(
      seq('when', $._expression),
      seq('on', 'goal', optional(field('goal', $._goal_name))),
      seq('on', field('event', $._event_name), optional($.where)),
    )),
    _goal_name: $ => prec.dynamic(-1, name_beside($, ...CLAUSES)),
    control_clause: $ => seq('control', choice($.share, $.number)),
    priority_clause: $ => seq('priority', $.number),
    quiet_clause: $ => seq('quiet', $.clock_time, 'to', $.clock_time),
    cap_clause: $ => seq(
      'cap', field('channel', $.name), $.number, 'per', $.duration,
      optional(seq('then', choice('skip', prec.right(seq('wait', optional(seq('up', 'to', $.duration))))))),
    ),
    late_clause: $ => seq('late', $.duration),
    timezone_clause: $ => seq('timezone', choice('contact', $.text)),
    on_change_clause: $ => seq('on', 'change', field('value', $.name)),

    // ----------------------------------------------------------------------------------------- statements

    block: $ => seq('{', repeat($.statement), '}'),

    statement: $ => choice(
      $.send,
      $.call,
      $.hand_off,
      $.alert,
      $.wait,
      $.if,
      $.experiment,
      $.repeat,
      $.stop,
      $.set,
      $.clear,
      $.add,
      $.tag,
      $.untag,
      $.allow,
      $.refuse,
      $.record,
      $.start,
      $.go_to,
      $.end,
    ),

    with: $ => seq('with', $.pairs),
    otherwise: $ => seq('otherwise', $.block),

    send: $ => seq('send', choice($._send_choice, $._send_one), optional($.otherwise)),
    _send_one: $ => seq(
      field('channel', $.name),
      field('message', $.name),
      optional($._send_to),
      optional($.with),
      optional($.best_time),
    ),
    _send_to: $ => seq('to', $._expression),
    best_time: $ => seq('at', 'best', 'time', 'within', $.duration),
    _send_choice: $ => seq(
      choice('first', 'best'), 'of', '{', repeat($.choice), '}', optional($.with), optional($.best_time),
    ),
    choice: $ => seq(
      field('channel', $.name), field('message', $.name), optional($._send_to), optional(','),
    ),

    call: $ => seq('call', field('webhook', $.name), optional($.with), optional($.and_wait)),
    hand_off: $ => seq('hand', 'off', 'to', field('team', $.name), optional($.with), optional($.and_wait)),
    and_wait: $ => seq('and', 'wait', 'up', 'to', $.duration, $.wait_block),
    alert: $ => seq('alert', field('team', $.name), $.text),

    wait: $ => seq('wait', choice(
      $.duration,
      seq($.number, 'business', choice('day', 'days')),
      seq('until', $._wait_until),
      seq('up', 'to', $.duration, $.wait_block),
    )),
    _wait_until: $ => choice(
      $._wait_window,
      prec(1, $.clock_time),
      seq($.weekday, $.clock_time),
      seq($.duration, choice('before', 'after'), $._expression, optional($.at_time)),
      seq($._expression, optional($.at_time)),
    ),
    _wait_window: $ => seq(
      $.clock_time, 'to', $.clock_time,
      optional(seq('on', $.weekday, optional(seq('to', $.weekday)))),
    ),
    wait_block: $ => seq('{', repeat(choice($.on_branch, $.otherwise)), '}'),
    on_branch: $ => seq('on', $._trigger, optional($.where), $.block),
    _trigger: $ => choice(
      $.reaction,
      field('event', choice($.name, alias(choice('reply', 'accepted', 'rejected', ...REACTIONS), $.name))),
    ),
    reaction: $ => seq($.reaction_kind, field('message', $.name), optional($.text)),

    if: $ => prec.right(seq(
      'if', field('condition', $._expression), $.block, repeat($.else_if), optional($.else),
    )),
    else_if: $ => seq('else', 'if', field('condition', $._expression), $.block),
    else: $ => seq('else', $.block),

    experiment: $ => seq('experiment', field('name', $.name), '{', repeat(choice($.variant, $.pick)), '}'),
    variant: $ => seq('variant', field('name', $.name), choice($.share, $.number), $.block),
    pick: $ => seq('pick', 'by', $._trigger, optional($.where), 'after', $.duration),

    repeat: $ => seq('repeat', 'up', 'to', $.number, choice('time', 'times'), $.block),
    stop: _ => 'stop',
    set: $ => seq('set', $.field, '=', $._expression),
    clear: $ => seq('clear', $.field),
    add: $ => seq('add', $._expression, 'to', $.field),
    tag: $ => seq('tag', $.text),
    untag: $ => seq('untag', $.text),
    allow: $ => seq('allow', field('topic', $.name)),
    refuse: $ => seq('refuse', field('topic', $.name)),
    record: $ => seq('record', field('event', $.name), optional($.pairs)),
    start: $ => seq('start', field('journey', $.name), optional($.with)),
    go_to: $ => seq('go', 'to', field('stage', $.name)),
    end: $ => seq('end', optional(seq('as', field('outcome', $.name)))),

    // ---------------------------------------------------------------------------------------------- tests

    test_declaration: $ => seq(
      'test', field('label', $.text), 'for', field('journey', $.name), $.test_body,
    ),
    test_body: $ => seq('{', repeat($._test_item), '}'),
    _test_item: $ => choice(
      $.test_contact, $.held_out, $.test_variant, $.allow_other, $.expectation, $.step,
    ),
    test_contact: $ => seq('contact', '{', repeat(choice($.contact_allows, $.pair)), '}'),
    contact_allows: $ => seq('allows', field('topic', $.name), optional(',')),
    held_out: _ => seq('held', 'out'),
    test_variant: $ => seq('variant', field('experiment', $.name), field('variant', $.name)),
    allow_other: _ => seq('allow', 'other', 'messages'),

    step: $ => seq(optional($.step_time), $._action),
    step_time: $ => choice(seq('at', $.moment), seq('after', $.duration)),
    _action: $ => choice(
      seq('event', field('event', $.name), optional($.pairs)),
      seq('click', field('message', $.name), optional($.text)),
      seq(choice('open', 'bounce', 'complain'), field('message', $.name)),
      seq('reply', field('webhook', $.name), optional($.pairs)),
      seq('answer', field('survey', $.name), $.signed_number),
      'accept',
      'reject',
      seq('set', $.field, '=', $._expression),
      seq('enter', optional($.pairs)),
      'nothing',
    ),

    expectation: $ => choice(
      $.expect_no,
      $.expect_stage,
      $.expect_goal,
      $.expect_outcome,
      $.expect_handoff,
      $.expect_call,
      $.expect_skipped,
      $.expect_contact,
      $.expect_message,
    ),
    expect_no: $ => seq('expect', 'no', field('channel', $.name), field('message', optional($.name))),
    expect_stage: $ => seq('expect', 'stage', field('stage', $.name)),
    expect_goal: $ => seq('expect', 'goal', field('goal', $.name), optional(seq('worth', $._expression))),
    expect_outcome: $ => seq('expect', 'outcome', field('outcome', $.name)),
    expect_handoff: $ => seq(
      'expect', choice('handoff', seq('hand', 'off')), optional('to'), field('team', $.name), optional($.pairs),
    ),
    expect_call: $ => seq('expect', 'call', field('webhook', $.name), optional($.pairs)),
    expect_skipped: $ => seq(
      'expect', 'skipped', field('message', $.name), optional(seq('because', field('reason', $.name))),
    ),
    expect_contact: $ => seq('expect', $.field, '==', $._expression),
    expect_message: $ => seq(
      'expect', field('channel', $.name), field('message', $.name), optional(seq('sent', 'at', $.moment)),
    ),
  },
});
