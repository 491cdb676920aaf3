//! How large and how deep a template may be.
//!
//! The engine that fills templates in has a limit on work, but none on depth or on the size of values: a
//! few kilobytes of `-` or `{% elif %}` are enough to end the whole process. So everything is bounded here,
//! before the engine sees it.

/// The longest template text (subject, body, one included file), in bytes. Mail programs cut a message off at
/// about 100 KB.
pub(super) const SOURCE_BYTES_MAX: usize = 128 * 1024;
/// The longest body with everything it includes, in bytes.
pub(super) const ASSEMBLED_BYTES_MAX: usize = 256 * 1024;
/// How deep files may include each other.
pub(super) const INCLUDE_DEPTH_MAX: usize = 8;
/// How many files a body may include.
pub(super) const INCLUDE_COUNT_MAX: usize = 100;
/// How deep `{% if %}` and `{% for %}` may stand in each other; each `{% elif %}` counts as one deeper.
pub(super) const BLOCK_DEPTH_MAX: usize = 32;
/// How deep brackets may stand in each other in one expression.
pub(super) const BRACKET_DEPTH_MAX: usize = 32;
/// How many operators, filters and steps into attributes one expression may have.
pub(super) const OPERATORS_MAX: usize = 200;
/// How deep tags may stand in each other.
pub(super) const ELEMENT_DEPTH_MAX: usize = 100;
/// How many style rules times tags are still matched against each other.
pub(super) const STYLE_MATCHES_MAX: usize = 2_000_000;
/// The longest HTML that a template may become before it is filled in, in bytes.
pub(super) const HTML_BYTES_MAX: usize = 1024 * 1024;

/// The longest value of an attribute, a property or a `with` entry, in bytes; longer ones are refused.
pub(super) const VALUE_BYTES_MAX: usize = 8 * 1024;
/// The most entries of a list that comes with the contact or the event.
pub(super) const LIST_ITEMS_MAX: usize = 1_000;
/// The longest text that one expression may come to, in bytes, judged before anything is rendered.
pub(super) const EXPRESSION_BYTES_MAX: usize = 256 * 1024;
/// The longest `range(…)`.
pub(super) const RANGE_MAX: i64 = 100;
/// The longest rendered part of a message, in bytes.
pub(super) const OUTPUT_BYTES_MAX: usize = 1024 * 1024;
/// How many steps the engine may take to render one part of a message.
pub(super) const FUEL: u64 = 50_000;
