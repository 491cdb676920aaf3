//! The readers underneath: tags of templates, markup, words.

use super::*;
use crate::template::lexer::{Form, TokenKind, lex};
use crate::template::markup::{Markup, escape, scan, unescape};
use crate::template::masked::{Kind, Masked, Piece, pieces};
use crate::template::mjml_tags::{TAGS, mjml_tag};

fn forms(text: &str) -> Vec<(String, Form)> {
    let mut problems = Vec::new();
    let tags = lex(text, &Part::Body, &mut problems);
    assert_eq!(problems, []);
    tags.into_iter().map(|tag| (under(text, tag.range).to_owned(), tag.form)).collect()
}

#[test]
fn tags_are_found_whole() {
    let table = [
        ("a {{ b }} c", "{{ b }}", Form::Output(5..6)),
        ("{{-b+}}", "{{-b+}}", Form::Output(3..4)),
        ("{{ '}}' ~ \"{%\" }} }}", "{{ '}}' ~ \"{%\" }}", Form::Output(3..14)),
        ("{{ 'it\\'s' }}", "{{ 'it\\'s' }}", Form::Output(3..10)),
        ("{% if a -%}", "{% if a -%}", Form::If(6..7)),
        ("{%- elif a.b == 1 %}", "{%- elif a.b == 1 %}", Form::Elif(9..17)),
        ("{% else %}", "{% else %}", Form::Else),
        ("{% for x in y.z %}", "{% for x in y.z %}", Form::For { name: 7..8, list: 12..15 }),
        ("{% set x = y | d('z') %}", "{% set x = y | d('z') %}", Form::Set { name: 7..8, value: 11..21 }),
        ("a {# {{ b }} #} c", "{# {{ b }} #}", Form::Comment),
    ];
    for (text, whole, form) in table {
        assert_eq!(forms(text), [(whole.to_owned(), form)], "{text}");
    }
}

#[test]
fn braces_that_open_nothing_are_text() {
    for text in [
        "a { b",
        "a } b }} %} #}",
        "a {# b",
        "p{color:red}",
        "<style>@media x{#a{b:c}} /* #} */</style>",
        "{",
    ] {
        assert_eq!(forms(text), [], "{text}");
    }
}

#[test]
fn signs_and_words_are_told_apart() {
    let tags = lex("{{ a.b2 >= 1.5e3 // -0x1F ~ 'x' }}", &Part::Body, &mut Vec::new());
    let text = "{{ a.b2 >= 1.5e3 // -0x1F ~ 'x' }}";
    let found: Vec<_> =
        tags[0].tokens.iter().map(|token| (under(text, token.range.clone()), token.kind)).collect();
    let expected = [
        ("a", TokenKind::Name),
        (".", TokenKind::Sign),
        ("b2", TokenKind::Name),
        (">=", TokenKind::Sign),
        ("1.5e3", TokenKind::Number),
        ("//", TokenKind::Sign),
        ("-", TokenKind::Sign),
        ("0x1F", TokenKind::Number),
        ("~", TokenKind::Sign),
        ("'x'", TokenKind::Text),
    ];
    assert_eq!(found, expected);
}

#[test]
fn masked_text_knows_where_it_came_from() {
    let text = "ü {{ a }} b {# c #}d {{ e }}";
    let mut placed = Vec::new();
    let tags = lex(text, &Part::Subject, &mut Vec::new());
    let masked = Masked::new(text, &Part::Subject, tags, &mut placed);
    assert_eq!(masked.text, "ü ⸨t0⸩ b d ⸨t1⸩");
    assert_eq!(placed.len(), 2);
    let locate = |masked: &Masked, written: &str| {
        let at = masked.text.find(written).unwrap();
        let (part, range) = masked.locate(&(at..at + written.len()));
        assert_eq!(part, Part::Subject);
        under(text, range)
    };
    for (written, source) in
        [("ü", "ü"), ("⸨t0⸩", "{{ a }}"), ("t0", "{{ a }}"), (" d", " {# c #}d"), ("d ⸨t1", "d {{ e }}")]
    {
        assert_eq!(locate(&masked, written), source, "{written}");
    }
    let mut spliced = Masked::default();
    spliced.push_str("<new>");
    spliced.push_from(&masked, masked.text.find(" b").unwrap()..masked.text.len());
    assert_eq!(spliced.text, "<new> b d ⸨t1⸩");
    for (written, source) in [("b", "b"), ("d", "d"), ("⸨t1⸩", "{{ e }}")] {
        assert_eq!(locate(&spliced, written), source, "{written}");
    }
}

#[test]
fn words_are_read_back() {
    let text = format!("a{}b{}⸨x9⸩⸨t⸩⸩{}", Kind::Tag.word(12), Kind::UrlPart.word(0), Kind::Pixel.word(3));
    let found: Vec<_> = pieces(&text).collect();
    let expected = [
        Piece::Text("a"),
        Piece::Word(Kind::Tag, 12),
        Piece::Text("b"),
        Piece::Word(Kind::UrlPart, 0),
        Piece::Text("⸨x9⸩"),
        Piece::Text("⸨t⸩"),
        Piece::Text("⸩"),
        Piece::Word(Kind::Pixel, 3),
    ];
    assert_eq!(found, expected);
}

/// Markup in a form that is easy to compare.
fn shown(text: &str) -> Vec<String> {
    scan(text)
        .map(|markup| match markup {
            Markup::Text(range) => format!("text {}", under(text, range)),
            Markup::Open(tag) => {
                let mut out = format!("open {}", under(text, tag.name.clone()));
                for attribute in &tag.attributes {
                    out += &format!(" {}", under(text, attribute.name.clone()));
                    if let Some(value) = &attribute.value {
                        out += &format!("={}", under(text, value.clone()));
                    }
                }
                if tag.is_closed { out + " /" } else { out }
            }
            Markup::Close { name, range } => format!("close {} {}", under(text, name), under(text, range)),
            Markup::Comment(range) => format!("comment {}", under(text, range)),
            Markup::Conditional { range, hides } => format!("conditional {hides} {}", under(text, range)),
            Markup::Declaration(range) => format!("declaration {}", under(text, range)),
            Markup::Unfinished(range) => format!("unfinished {}", under(text, range)),
        })
        .collect()
}

#[test]
fn markup_is_read_as_browsers_read_it() {
    let table: [(&str, &[&str]); 16] = [
        ("a<b>c</b >d", &["text a", "open b", "text c", "close b </b >", "text d"]),
        ("<a href=\"x>y\" b='c\"' d=e/f g h = i>", &["open a href=x>y b=c\" d=e/f g h=i"]),
        ("<br/><img / src=x />", &["open br /", "open img src=x /"]),
        ("1 < 2 <3 <", &["text 1 ", "text < 2 ", "text <3 ", "text <"]),
        ("<!doctype html><?xml?>", &["declaration <!doctype html>", "declaration <?xml?>"]),
        ("<!-- a > b --><!-->c", &["comment <!-- a > b -->", "comment <!-->", "text c"]),
        (
            "<!--[if mso]><p><![endif]-->",
            &["conditional true <!--[if mso]>", "open p", "conditional false <![endif]-->"],
        ),
        (
            "<!--[if !mso]><!--><p><!--<![endif]-->",
            &["conditional false <!--[if !mso]><!-->", "open p", "comment <!--<![endif]-->"],
        ),
        (
            "<style>a > b {}</p></STYLE>x",
            &["open style", "text a > b {}</p>", "close STYLE </STYLE>", "text x"],
        ),
        ("<title></title>", &["open title", "close title </title>"]),
        ("<script>if (a</b) {}", &["open script", "text if (a</b) {}"]),
        ("a <b c=\"", &["text a ", "unfinished <b"]),
        ("a <b", &["text a ", "unfinished <b"]),
        ("a </b", &["text a ", "unfinished </"]),
        ("<!-- a", &["unfinished <!--"]),
        ("", &[]),
    ];
    for (text, expected) in table {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn references_are_written_and_read() {
    assert_eq!(escape("<a href=\"b\">'&"), "&lt;a href=&quot;b&quot;&gt;&#39;&amp;");
    assert_eq!(unescape("a&amp;b&lt;&#39;&#x41;&colon;&Tab;&copy=1&unknown;&"), "a&b<'A:\t&copy=1&unknown;&");
    assert_eq!(unescape("&#x110000;&#;&amp;amp;"), "&#x110000;&#;&amp;");
}

#[test]
fn the_table_of_mjml_holds_together() {
    for tag in &TAGS {
        assert!(tag.parents.iter().all(|parent| mjml_tag(parent).is_some()), "{}", tag.name);
        assert_eq!(TAGS.iter().filter(|other| other.name == tag.name).count(), 1, "{}", tag.name);
        let mut attributes: Vec<_> = tag.attributes().collect();
        let count = attributes.len();
        attributes.sort_unstable();
        attributes.dedup();
        assert_eq!(attributes.len(), count, "{} has an attribute twice", tag.name);
    }
}
