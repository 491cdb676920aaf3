//! What has brought template engines down, and has to end in a problem here, or to be bounded.

use super::*;

/// The problems of a text that must have some.
fn refused(text: &str) -> Vec<TemplateProblem> {
    let shown: String = text.chars().take(60).collect();
    text_message(text).expect_err(&shown)
}

#[test]
fn endless_expressions_are_refused() {
    let long = |piece: &str, count: usize, before: &str, after: &str| {
        format!("{before}{}{after}", piece.repeat(count))
    };
    let table = [
        (long("-", 5_468, "{{ ", "1 }}"), "more than 200 operators in one placeholder"),
        (long("not ", 5_468, "{{ ", "1 }}"), "more than 200 operators in one placeholder"),
        (long("|e", 8_202, "{{ contact.a", " }}"), "more than 200 operators in one placeholder"),
        (long(".a", 8_202, "{{ contact", " }}"), "more than 200 operators in one placeholder"),
        (long("[0]", 8_202, "{{ contact.a", " }}"), "more than 200 operators in one placeholder"),
        (long(" if 1 else 1", 4_000, "{{ 1", " }}"), "more than 200 operators in one placeholder"),
        (long(" is defined", 4_000, "{{ contact.a", " }}"), "more than 200 operators in one placeholder"),
        (long("(", 5_000, "{{ ", " }}"), "brackets more than 32 deep"),
        (long("[", 5_000, "{{ ", " }}"), "brackets more than 32 deep"),
        (long("x(", 5_000, "{{ ", " }}"), "brackets more than 32 deep"),
    ];
    for (text, expected) in table {
        assert_eq!(refused(&text)[0].message, expected);
    }
}

#[test]
fn endless_blocks_are_refused() {
    let elifs = format!("{{% if contact.a %}}{}{{% endif %}}", "{% elif contact.a %}".repeat(1_806));
    let ifs = format!("{}{}", "{% if contact.a %}".repeat(1_000), "{% endif %}".repeat(1_000));
    let fors = format!("{}{}", "{% for a in contact.a %}".repeat(1_000), "{% endfor %}".repeat(1_000));
    for text in [elifs, ifs, fors] {
        let problems = refused(&text);
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert_eq!(problems[0].message, "conditions and loops more than 32 deep");
    }
}

#[test]
fn blocks_as_deep_as_they_may_be_are_rendered() {
    let deep = format!("{}x{}", "{% if contact.vip %}".repeat(32), "{% endif %}".repeat(32));
    assert_eq!(Fill::default().text(&deep), "x");
    let elifs = "{% elif contact.no %}".repeat(31);
    let chain = format!("{{% if contact.no %}}{elifs}{{% else %}}y{{% endif %}}");
    assert_eq!(Fill::default().text(&chain), "y");
    let long = format!("{{{{ 1{} }}}}", " + 1".repeat(200));
    assert_eq!(Fill::default().text(&long), "201");
    let nested = format!("{{{{ {}1{} }}}}", "(".repeat(32), ")".repeat(32));
    assert_eq!(Fill::default().text(&nested), "1");
}

#[test]
fn texts_that_grow_without_end_are_refused() {
    let doubling = format!("{{% set a = contact.a %}}{}{{{{ a }}}}", "{% set a = a ~ a %}".repeat(22));
    let joined = "{{ contact.a | join(contact.b) }}";
    let upper = format!("{{{{ contact.a{} }}}}", " | upper".repeat(10));
    for text in [doubling.as_str(), joined, &upper] {
        assert_eq!(refused(text)[0].message, "this can get longer than 256 KiB", "{text}");
    }
    let table = [
        ("{{ contact.a | replace('a', contact.a) }}", "`replace` is not a filter of a template"),
        ("{{ contact.a | indent(300000000) }}", "`indent` is not a filter of a template"),
        ("{{ '%500000000s' | format('a') }}", "`format` is not a filter of a template"),
        ("{{ 'a' * 100000000 }}", "`'a'` may be something else than a number"),
        ("{{ contact.a * 100000000 }}", "`contact.a` may be something else than a number"),
        ("{{ [1] * 100000000 }}", "`[1]` may be something else than a number"),
        ("{{ range('a' * 100000000) }}", "`'a'` may be something else than a number"),
        ("{{ 9 ** 999 }}", "`**` is not available in a template"),
        ("{% for i in range(1000000000) %}x{% endfor %}", "a range without fitting bounds"),
        ("{% for i in range(contact.a) %}x{% endfor %}", "a range without fitting bounds"),
        ("{{ contact.created_at | date(contact.a) }}", "the format of a date is not a text"),
    ];
    for (text, expected) in table {
        assert_eq!(refused(text)[0].message, expected, "{text}");
    }
}

#[test]
fn templates_reach_nothing_but_their_values() {
    let table = [
        ("{% include 'x' %}", "`include` is not a statement of a template"),
        ("{% import 'x' as y %}", "`import` is not a statement of a template"),
        ("{% extends 'x' %}", "`extends` is not a statement of a template"),
        ("{% macro x() %}{% endmacro %}", "`macro` is not a statement of a template"),
        ("{% filter upper %}x{% endfilter %}", "`filter` is not a statement of a template"),
        ("{% autoescape false %}{% endautoescape %}", "`autoescape` is not a statement of a template"),
        ("{{ debug() }}", "`debug` is not a function of a template"),
        ("{{ namespace() }}", "`namespace` is not a function of a template"),
        ("{{ contact.first_name.upper() }}", "a method is not available in a template"),
        ("{{ contact }}", "`contact` is a group of values"),
        ("{{ contact[contact.a] }}", "`contact` is a group of values"),
        ("{{ loop(contact.a) }}", "`loop` is not a function of a template"),
        ("{{ contact.a | safe }}", "`safe` is not a filter of a template"),
        ("{{ contact.a | _part }}", "`_part` is not a filter of a template"),
        ("{{ {'a': 1} }}", "`{` does not belong here"),
    ];
    for (text, expected) in table {
        assert_eq!(refused(text)[0].message, expected, "{text}");
    }
}

#[test]
fn sizes_are_bounded() {
    assert_eq!(refused(&"x".repeat(128 * 1024 + 1))[0].message, "a template longer than 128 KiB");
    assert!(text_message(&"x".repeat(128 * 1024)).is_ok());
    for name in ["first_name", "interests"] {
        let mut fill = Fill::default();
        fill.contact[name] = json!(["x".repeat(8 * 1024), "y"]);
        let message = text_message(&format!("{{{{ contact.{name} }}}}")).unwrap().message;
        let error = fill.render(&message).unwrap_err().to_string();
        assert_eq!(error, format!("`contact.{name}` is longer than 8 KiB or has more than 1000 entries"));
        // What the message does not read may be as long as it likes.
        assert!(fill.render(&text_message("x").unwrap().message).is_ok());
    }
}

#[test]
fn loops_end_when_the_work_or_the_mail_gets_too_much() {
    let render = |text: &str| Fill::default().render(&text_message(text).unwrap().message).unwrap_err();
    let loops = "{% for a in range(100) %}".repeat(4) + "." + &"{% endfor %}".repeat(4);
    assert!(matches!(render(&loops), RenderError::TooMuchWork("text")));
    let bulk = format!("{{% for a in range(100) %}}{}{{% endfor %}}", "x".repeat(60_000));
    assert!(matches!(render(&bulk), RenderError::TooLong("text")));
}

#[test]
fn deep_and_repeated_markup_is_refused() {
    let problems = html_message(&format!("{}{}", "<b>".repeat(8_000), "</b>".repeat(8_000))).unwrap_err();
    assert!(problems.iter().any(|problem| problem.message == "tags more than 100 deep"), "{problems:#?}");
    let raw = format!("<mj-raw>{}</mj-raw>", "<div>".repeat(10_000));
    let problems = body_message(TemplateKind::Mjml, &column(&raw)).unwrap_err();
    assert_eq!(problems[0].message, "tags more than 200 deep");
    let styles = format!("<style>{}</style>{}", "p{color:red}".repeat(2_000), "<p>".repeat(5_000));
    let problems = html_message(&styles).unwrap_err();
    assert_eq!(problems[0].message, "too many styles for so many tags");
}

#[test]
fn files_that_include_each_other_are_refused() {
    let body = column("<mj-include path=\"a.mjml\" />");
    let source = MessageSource { body: Some((TemplateKind::Mjml, &body)), ..MessageSource::default() };
    let circle = |path: &str| {
        Some(format!("<mj-include path=\"{}\" />", if path == "a.mjml" { "b.mjml" } else { "a.mjml" }))
    };
    let problems = compile(&source, &circle).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert_eq!(problems[0].message, "`a.mjml` includes itself");
    assert_eq!(problems[0].part, Part::Include("b.mjml".to_owned()));

    let tower = |path: &str| Some(format!("<mj-include path=\"{path}a\" />"));
    let problems = compile(&source, &tower).unwrap_err();
    assert_eq!(problems[0].message, "more included than a mail can hold");

    // Each file twice in the next one: many more files than there are paths.
    let many = |path: &str| {
        let deeper = format!("<mj-include path=\"{path}a\" />");
        Some(if path.len() > 11 { "<mj-spacer />".to_owned() } else { deeper.repeat(8) })
    };
    let problems = compile(&source, &many).unwrap_err();
    assert!(problems.iter().all(|problem| problem.message == "more included than a mail can hold"));
}

#[test]
fn values_are_never_templates() {
    let fill = Fill::default();
    let as_it_is = "{{7*7}} {% include 'x' %} ${{env}}";
    assert_eq!(fill.text("{{ contact.template }}"), as_it_is);
    assert_eq!(fill.text("{% set a = contact.template %}{{ a ~ '' }}"), as_it_is);
    assert_eq!(
        fill.html("<p>{{ contact.template }}</p>"),
        format!("<p>{}</p>", as_it_is.replace('\'', "&#39;"))
    );
}

#[test]
fn values_cannot_leave_their_place() {
    let fill = Fill::tracked();
    let table = [
        ("<p>{{ contact.markup }}</p>", "<p>&lt;b&gt;&quot;A&quot; &amp; &#39;B&#39;&lt;/b&gt;</p>"),
        (
            "<p title={{ contact.markup }}>x</p>",
            "<p title=\"&lt;b&gt;&quot;A&quot; &amp; &#39;B&#39;&lt;/b&gt;\">x</p>",
        ),
        ("<p title='\"{{ contact.vip }}'>x</p>", "<p title=\"&quot;true\">x</p>"),
        (
            "<p style=\"color: {{ contact.markup }}; top: {{ contact.colour }}\">x</p>",
            "<p style=\"color: ; top: #ff0000\">x</p>",
        ),
        ("<p style=\"background: url({{ contact.evil }})\">x</p>", "<p style=\"background: url()\">x</p>"),
        (
            "<p style=\"background: url('{{ contact.site }}')\">x</p>",
            "<p style=\"background: url('https://ada.test/?a=1&amp;b=2')\">x</p>",
        ),
        ("<img src=\"{{ contact.evil }}\">", "<img src=\"\">"),
        ("<img src=\"{{ contact.site }}\">", "<img src=\"https://ada.test/?a=1&amp;b=2\">"),
        ("<td background='https://{{ contact.site }}/'>x", "<td background=\"\">x"),
        ("<p>{{ contact.control }}</p>", "<p>a0b\nBcc: c</p>"),
        ("<p>{{ \"\\u0001o\\u0002\\u0003\" }}</p>", "<p>o</p>"),
    ];
    for (html, expected) in table {
        assert_eq!(fill.html(html), expected, "{html}");
    }
}

#[test]
fn a_subject_is_one_line() {
    let source = MessageSource {
        subject: Some("Hi\n {{ contact.control }}  {{ contact.markup }} "),
        preheader: Some(" a\r\nb "),
        ..MessageSource::default()
    };
    let rendered = Fill::default().render(&compile(&source, &nothing).unwrap().message).unwrap();
    assert_eq!(rendered.subject, "Hi a0b Bcc: c <b>\"A\" & 'B'</b>");
    assert_eq!(rendered.preheader.unwrap(), "a b");
}

proptest::proptest! {
    /// Whatever is written, there is an answer.
    #[test]
    fn any_text_has_an_answer(pieces in proptest::collection::vec(piece(), 0..40)) {
        let text = pieces.concat();
        for kind in [TemplateKind::Text, TemplateKind::Html, TemplateKind::Mjml] {
            let wrapped = column(&format!("<mj-text>{text}</mj-text>"));
            let body = if kind == TemplateKind::Mjml { &wrapped } else { &text };
            match body_message(kind, body) {
                Ok(compiled) => {
                    // A filter may be given what it cannot take; that is an error too, not a crash.
                    if let Ok(rendered) = Fill::tracked().render(&compiled.message) {
                        let all = format!("{rendered:?}");
                        proptest::prop_assert!(!all.contains(['⸨', '\u{1}', '\u{2}', '\u{3}']), "{}", all);
                    }
                }
                Err(problems) => {
                    for problem in problems {
                        proptest::prop_assert!(body.get(problem.range.clone()).is_some(), "{:?}", problem);
                    }
                }
            }
        }
    }
}

proptest::proptest! {
    /// Whatever is asked of values, there is an answer.
    #[test]
    fn any_expression_has_an_answer(words in proptest::collection::vec(word(), 1..12)) {
        let text = format!("{{{{ {} }}}}", words.join(" "));
        if let Ok(compiled) = text_message(&text) {
            let _ = Fill::default().render(&compiled.message);
        }
    }
}

/// Words of expressions.
fn word() -> impl proptest::strategy::Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "contact.first_name",
        "contact.unknown",
        "contact.score",
        "contact.interests",
        "entry",
        "1",
        "0",
        "1.5",
        "'a'",
        "true",
        "none",
        "+",
        "-",
        "*",
        "/",
        "//",
        "%",
        "~",
        "==",
        "<",
        "in",
        "and",
        "or",
        "not",
        "is",
        "if",
        "else",
        "|",
        "default",
        "upper",
        "int",
        "float",
        "round",
        "number",
        "length",
        "first",
        "last",
        "join",
        "truncate",
        "date",
        "(",
        ")",
        "[",
        "]",
        ",",
        ":",
        ".",
        "defined",
        "even",
        "divisibleby",
        "range",
        "survey_url",
        "(2)",
        "('%Y')",
        "9223372036854775807",
        "170141183460469231731687303715884105727",
        "('x', 9)",
        "[:1]",
        "[-9:]",
        "[0]",
    ])
}

/// Pieces that mean something to one of the readers.
fn piece() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let known = prop::sample::select(vec![
        "{{ contact.first_name }}",
        "{{ contact.interests | first }}",
        "{{ 'a' ~ contact.vip }}",
        "{% if contact.vip %}",
        "{% elif contact.no %}",
        "{% else %}",
        "{% endif %}",
        "{% for i in contact.interests %}",
        "{{ loop.index }}",
        "{% endfor %}",
        "{% set a = contact.score | int + 1 %}",
        "{{ a }}",
        "{#",
        "#}",
        "{{",
        "}}",
        "{%",
        "%}",
        "<p>",
        "</p>",
        "<b>",
        "</b>",
        "<table>",
        "<tr><td>",
        "</table>",
        "<a href=\"",
        "\">",
        "</a>",
        "https://a.test/",
        "<!--",
        "-->",
        "<!--[if mso]>",
        "<![endif]-->",
        "<style>",
        "</style>",
        "p{color:red}",
        "<br/>",
        "<img src=",
        "<",
        ">",
        "&",
        "\"",
        "'",
        "\\",
        "{",
        "}",
        "ü",
        "🌼",
        "\n",
        " ",
        "mailto:",
        "javascript:",
        "<title>",
        "</title>",
    ]);
    prop_oneof![8 => known.prop_map(str::to_owned), 1 => "[ -~]{0,4}", 1 => any::<char>().prop_map(|c| c.to_string())]
}
