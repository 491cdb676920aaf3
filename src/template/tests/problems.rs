//! What authors get wrong: each mistake at its place, several at a time.

use super::*;

/// The first problem of a text: what is underlined, what is said, what helps.
fn first(problems: &[TemplateProblem], source: &str) -> (String, String, String) {
    let problem = problems.first().unwrap_or_else(|| panic!("{source}"));
    let help = problem.help.clone().unwrap_or_default();
    (under(source, problem.range.clone()).to_owned(), problem.message.clone(), help)
}

#[test]
fn expressions_that_are_none() {
    let table = [
        ("{{ contact.a", "{{", "this `{{` is never closed", "write `}}` behind `contact.a`"),
        ("{{ contact.a }", "}", "`}` does not belong here", "close it with `}}`"),
        ("{% if contact.a }}", "}}", "`}}` does not close `{%`", "close it with `%}`"),
        ("{{ contact.a %}", "%}", "`%}` does not close `{{`", "close it with `}}`"),
        (
            "{{ }}",
            "{{ }}",
            "an empty placeholder",
            "name what stands here, such as `{{ contact.first_name }}`",
        ),
        ("{% %}", "{% %}", "an empty `{% %}`", "take it out"),
        ("{{ 'a }}", "'", "`'` is never closed", ""),
        ("{{ (1 + 2 }}", "(", "`(` is never closed", ""),
        ("{{ 1 + 2) }}", ")", "`)` closes nothing", ""),
        ("{{ contact.a && contact.b }}", "&", "`&` does not belong here", "write `and`"),
        (
            "{{ contact.a | default(&quot;x&quot;) }}",
            "&",
            "`&` does not belong here",
            "write the character itself, such as `\"` or `>`, not its HTML name",
        ),
        (
            "{{ contact.a | default(“x”) }}",
            "“",
            "`“` does not belong here",
            "write straight quotation marks: `\"`",
        ),
        ("{{ !contact.a }}", "!", "`!` does not belong here", "write `not`"),
        ("{{ contact.a || 'x' }}", "||", "`||` is called `or` here", "write `or`"),
        (
            "{{ contact. | default('x') }}",
            "contact.",
            "the field is missing behind `contact.`",
            "name it, such as `contact.first_name`",
        ),
        (
            "{{ contact.a | }}",
            "|",
            "the filter is missing behind `|`",
            "write one, such as `default('there')`",
        ),
        (
            "{{ contact.a == }}",
            "==",
            "something is missing behind `==`",
            "write a value, such as `contact.first_name`, and filters behind `|`",
        ),
        (
            "{{ contact.a | default: 'x' }}",
            ":",
            "no `:` stands here",
            "what a filter needs stands in brackets: `default('there')`",
        ),
        (
            "{{ contact.a contact.b }}",
            "contact.b",
            "`contact.b` cannot stand right behind `contact.a`",
            "write one name, or join two with `~`",
        ),
        (
            "{{ first name }}",
            "first name",
            "`first name` is not a name",
            "a name is one word, such as `contact.first_name`",
        ),
        ("{{ contact.a | uper }}", "uper", "`uper` is not a filter of a template", "did you mean `upper`?"),
        (
            "{{ contact.a | safe }}",
            "safe",
            "`safe` is not a filter of a template",
            "values are always shown as text: write HTML into the template itself",
        ),
        (
            "{{ contact.a is definde }}",
            "definde",
            "`definde` is not a test of a template",
            "did you mean `defined`?",
        ),
        ("{{ contact.a | default }}", "default", "`default` with 0 values", "write `default('there')`"),
        (
            "{{ contact.a | default(value='x') }}",
            "'x'",
            "a value with a name or a star",
            "write the values one after the other",
        ),
        ("{{ survey_url }}", "survey_url", "`survey_url` without brackets", "write `survey_url(…)`"),
        (
            "{{ survey_url(contact.a) }}",
            "survey_url(contact.a)",
            "the name of a survey is not a text",
            "write `survey_url(\"satisfaction\")`",
        ),
        (
            "{{ contact.a | date('%!') }}",
            "'%!'",
            "`%!` is not the format of a date",
            "write `date('%d.%m.%Y')`: `%d` is the day, `%m` the month, `%Y` the year",
        ),
        (
            "{{ contact.score + 1 }}",
            "contact.score",
            "`contact.score` may be something else than a number",
            "write `(contact.score | float)`, which is 0 when it is none",
        ),
        (
            "{{ contact.first-name }}",
            "contact.first-name",
            "`contact.first-name` is not a name",
            "write `contact.first_name`",
        ),
        ("{{ 'a' + contact.b }}", "'a' + contact.b", "`+` adds numbers", "join texts with `~`"),
        (
            "{{ contact }}",
            "contact",
            "`contact` is a group of values",
            "name one of its fields, such as `contact.first_name`",
        ),
        ("{{ loop.index }}", "loop.index", "`loop` outside of a `{% for %}`", ""),
        ("a ⸨ b", "⸨", "`⸨` cannot stand in a template", "write other brackets"),
    ];
    for (text, place, message, help) in table {
        let found = first(&text_message(text).expect_err(text), text);
        assert_eq!(found, (place.to_owned(), message.to_owned(), help.to_owned()), "{text}");
    }
}

#[test]
fn blocks_that_do_not_fit() {
    let table = [
        ("{% if contact.a %}", "{% if contact.a %}", "`{% if %}` without `{% endif %}`"),
        ("{% for a in contact.b %}x", "{% for a in contact.b %}", "`{% for %}` without `{% endfor %}`"),
        ("{% endif %}", "{% endif %}", "`{% endif %}` closes no `{% if %}`"),
        ("{% if contact.a %}{% endfor %}{% endif %}", "{% endfor %}", "`{% endfor %}` closes no `{% for %}`"),
        ("{% else %}", "{% else %}", "`{% else %}` without an `{% if %}` before it"),
        (
            "{% if contact.a %}{% else %}{% else %}{% endif %}",
            "{% else %}",
            "`{% else %}` without an `{% if %}` before it",
        ),
        (
            "{% if contact.a %}{% else %}{% elif contact.b %}{% endif %}",
            "{% elif contact.b %}",
            "`{% elif %}` without an `{% if %}` before it",
        ),
        ("{% if contact.a %}{% else if contact.b %}{% endif %}", "else if", "`else if` is not one word"),
        ("{% if %}{% endif %}", "if", "`{% if %}` without a condition"),
        ("{% elsif contact.a %}", "elsif", "`elsif` is not a statement of a template"),
        ("{% set contact = 1 %}", "{% set contact = 1 %}", "`contact` has a meaning already"),
        ("{% set _a = 1 %}", "{% set _a = 1 %}", "`_a` has a meaning already"),
        ("{% set a %}x{% endset %}", "{% set a %}", "a `{% set %}` needs a name and a value"),
        (
            "{% for a, b in contact.c %}{% endfor %}",
            "{% for a, b in contact.c %}",
            "a `{% for %}` needs a name and a list",
        ),
        ("{% for a in contact.b if a %}{% endfor %}", "contact.b if a", "a `{% for %}` with a condition"),
    ];
    for (text, place, message) in table {
        let problems = text_message(text).expect_err(text);
        assert!(
            said(&problems, text).contains(&(place.to_owned(), message.to_owned())),
            "{text}: {problems:#?}"
        );
    }
}

#[test]
fn tags_of_html_that_do_not_fit() {
    let table = [
        ("<p><b>x</p>", "b", "`<b>` is never closed"),
        ("<div>x", "div", "`<div>` is never closed"),
        ("x</div>", "div", "`</div>` closes nothing"),
        ("<p>x <a href=\"https://a.test>y</a>", "<a", "`<a` never ends"),
        ("x <!-- y", "<!--", "`<!--` never ends"),
        ("<div />", "div", "`<div />` does not close itself in HTML"),
        ("<script>1</script>", "script", "`<script>` does not work in a mail"),
        ("<p onclick=\"x()\">y</p>", "onclick", "`onclick` does not work in a mail"),
        ("<p {{ contact.a }}>x</p>", "{{ contact.a }}", "a placeholder between the attributes of a tag"),
        ("<p{{ contact.a }}>x</p>", "p{{ contact.a }}", "a placeholder in the name of a tag"),
        (
            "<script type=\"application/ld+json\">{{ contact.a }}</script>",
            "{{ contact.a }}",
            "a placeholder in a `<script>`",
        ),
        (
            "<style>{% if contact.a %}p{}{% endif %}</style>",
            "{% if contact.a %}p{}{% endif %}",
            "a condition or loop in a style sheet",
        ),
        (
            "{% if contact.a %}<div>{% endif %}</div>",
            "div",
            "`<div>` opens behind `{% if contact.a %}` and is not closed before `{% endif %}`",
        ),
        (
            "<div>{% if contact.a %}</div>{% endif %}",
            "div",
            "`</div>` closes behind `{% if contact.a %}` what was opened before it",
        ),
        (
            "{% if contact.a %}<b>{% else %}<i>{% endif %}x</i>",
            "b",
            "`<b>` opens behind `{% if contact.a %}` and is not closed before `{% else %}`",
        ),
        (
            "<p title=\"{% if contact.a %}\">x</p>{% endif %}",
            "{% if contact.a %}",
            "`{% if contact.a %}` and what belongs to it stand in different places",
        ),
        (
            "<p>{% if contact.a %}<b title=\"{% endif %}\">x</b></p>",
            "{% endif %}",
            "`{% endif %}` and what belongs to it stand in different places",
        ),
    ];
    for (html, place, message) in table {
        let problems = html_message(html).expect_err(html);
        assert!(
            said(&problems, html).contains(&(place.to_owned(), message.to_owned())),
            "{html}: {problems:#?}"
        );
    }
    // A `<` before a placeholder is text.
    assert_eq!(Fill::default().html("<p>1 <{{ contact.vip }}</p>"), "<p>1 <true</p>");
}

#[test]
fn html_may_leave_out_what_it_closes_itself() {
    for html in [
        "<ul><li>a<li>b</ul>",
        "<table><tr><td>a<td>b<tr><td>c</table>",
        "<p>a<p>b",
        "<br><img src=\"https://a.test/b\"><hr/>",
    ] {
        assert!(html_message(html).is_ok(), "{html}");
    }
    let mso = "<!--[if mso]><table><tr><td><![endif]--><p>x</p><!--[if mso]></td></tr></table><![endif]-->";
    assert_eq!(Fill::default().html(mso), mso);
}

#[test]
fn tags_of_mjml_that_do_not_fit() {
    let table = [
        ("<mj-txt>x</mj-txt>", "mj-txt", "`mj-txt` is not a tag of MJML", "did you mean `mj-text`?"),
        (
            "<mj-text colour=\"red\">x</mj-text>",
            "colour",
            "`mj-text` has no attribute `colour`",
            "did you mean `color`?",
        ),
        (
            "<mj-section></mj-section>",
            "mj-section",
            "`mj-section` cannot stand in `mj-column`",
            "it stands in `mj-body` or `mj-wrapper`",
        ),
        ("<p>x</p>", "p", "`<p>` outside of `mj-text`", "put HTML into `mj-text`, `mj-table` or `mj-raw`"),
        (" hello ", "hello", "text outside of `mj-text`", "put it into `<mj-text>`"),
        ("{{ contact.a }}", "{{ contact.a }}", "text outside of `mj-text`", "put it into `<mj-text>`"),
        ("<mj-text>a <b>b</mj-text>", "b", "`<b>` is never closed", "write `</b>` where it ends"),
        (
            "<mj-text>a <mj-button>b</mj-button></mj-text>",
            "mj-button",
            "`mj-button` cannot stand in `mj-text`",
            "close the `mj-text` before it",
        ),
        (
            "<mj-text>a",
            "mj-column",
            "`</mj-column>` before the end of `mj-text`",
            "write `</mj-text>` before it",
        ),
        (
            "<mj-carousel>{% if contact.a %}<mj-carousel-image src=\"https://a.test/b\" />{% endif %}</mj-carousel>",
            "{% if contact.a %}",
            "a condition, a loop or a `set` in `mj-carousel`",
            "put it into `mj-body`, around whole sections, columns or texts",
        ),
        (
            "<mj-include path=\"gone.mjml\" />",
            "<mj-include path=\"gone.mjml\" />",
            "there is no file `gone.mjml`",
            "a path begins at the folder of the file that names it",
        ),
        ("<mj-include />", "<mj-include />", "an `mj-include` without a path", "add `path=\"footer.mjml\"`"),
        (
            "<!--[if mso]><![endif]-->",
            "<!--[if mso]>",
            "a comment for Outlook between MJML tags",
            "put it into an `mj-raw`",
        ),
    ];
    for (content, place, message, help) in table {
        let body = column(content);
        let problems = body_message(TemplateKind::Mjml, &body).expect_err(content);
        assert_eq!(
            first(&problems, &body),
            (place.to_owned(), message.to_owned(), help.to_owned()),
            "{content}"
        );
    }
}

#[test]
fn documents_that_are_none() {
    let table = [
        ("", "there is no `<mjml>`"),
        ("hello", "text outside of `mj-text`"),
        ("<mjml></mjml>", "there is no `<mj-body>`"),
        ("<mj-body></mj-body>", "there is no `<mjml>`"),
        ("<mjml><mj-body>", "`<mjml>` is never closed"),
        (
            "{% if contact.a %}<mjml><mj-body></mj-body></mjml>{% endif %}",
            "a condition, a loop or a `set` outside of `mj-body`",
        ),
        (
            "<mjml><mj-head>{% set a = 1 %}</mj-head><mj-body></mj-body></mjml>",
            "a condition, a loop or a `set` in `mj-head`",
        ),
    ];
    for (body, message) in table {
        let problems = body_message(TemplateKind::Mjml, body).expect_err(body);
        assert!(problems.iter().any(|problem| problem.message == message), "{body}: {problems:#?}");
    }
}

#[test]
fn addresses_that_no_mail_may_have() {
    let table = [
        (
            "<a href=\"javascript:alert(1)\">x</a>",
            "javascript:alert(1)",
            "`javascript:alert(1)` is no address that a mail can lead to",
        ),
        (
            "<a href=\"java&Tab;script:alert(1)\">x</a>",
            "java&Tab;script:alert(1)",
            "an address with a line break or a control character in it",
        ),
        (
            "<a href=\"java\nscript:alert(1)\">x</a>",
            "java\nscript:alert(1)",
            "an address with a line break or a control character in it",
        ),
        (
            "<a href=\"javascript&colon;alert(1)\">x</a>",
            "javascript&colon;alert(1)",
            "`javascript:alert(1)` is no address that a mail can lead to",
        ),
        (
            "<a href=\"javascript:{{ contact.a }}\">x</a>",
            "javascript:{{ contact.a }}",
            "`javascript:x` is no address that a mail can lead to",
        ),
        (
            "<a href=\"data:text/html,x\">x</a>",
            "data:text/html,x",
            "`data:text/html,x` is no address that a mail can lead to",
        ),
        (
            "<a href=\"data:image/png;base64,x\">x</a>",
            "data:image/png;base64,x",
            "`data:image/png;base64,x` is no address that a mail can lead to",
        ),
        ("<a href=\"//evil.test\">x</a>", "//evil.test", "`//evil.test` does not say whether it is `https`"),
        ("<a href=\"https:evil.test\">x</a>", "https:evil.test", "`https:evil.test` is not an address"),
        ("<a href=\"/shop\">x</a>", "/shop", "`/shop` is not a link that a mail program can find"),
        (
            "<a href=\"shop.test\">x</a>",
            "shop.test",
            "`shop.test` is not a link that a mail program can find",
        ),
        ("<img src=\"logo.png\">", "logo.png", "`logo.png` is not a picture that a mail program can find"),
        (
            "<img src=\"javascript:x\">",
            "javascript:x",
            "`javascript:x` is no address that a mail can lead to",
        ),
    ];
    for (html, place, message) in table {
        let problems = html_message(html).expect_err(html);
        assert_eq!(said(&problems, html), [(place.to_owned(), message.to_owned())], "{html}");
    }
    let button = column("<mj-button href=\"javascript:x\">x</mj-button>");
    let problems = body_message(TemplateKind::Mjml, &button).unwrap_err();
    let message = "`javascript:x` is no address that a mail can lead to";
    assert_eq!(said(&problems, &button), [("javascript:x".to_owned(), message.to_owned())]);
}

#[test]
fn several_mistakes_are_found_at_once() {
    let body =
        column("<mj-txt>{{ contact.a | uper }}</mj-txt>\n<mj-text>{{ contact.b }<b></mj-text>{% endif %}");
    let source = MessageSource {
        subject: Some("{{ contact.a"),
        preheader: Some("{% if %}"),
        body: Some((TemplateKind::Mjml, &body)),
        ..MessageSource::default()
    };
    let problems = compile(&source, &nothing).unwrap_err();
    let found: Vec<_> = problems.iter().map(|problem| (&problem.part, problem.message.as_str())).collect();
    assert_eq!(
        found,
        [
            (&Part::Subject, "this `{{` is never closed"),
            (&Part::Preheader, "`{% if %}` without a condition"),
            (&Part::Body, "`mj-txt` is not a tag of MJML"),
            (&Part::Body, "`uper` is not a filter of a template"),
            (&Part::Body, "`}` does not belong here"),
            (&Part::Body, "`<b>` is never closed"),
            (&Part::Body, "`{% endif %}` closes no `{% if %}`"),
        ]
    );
}

#[test]
fn mistakes_in_included_files_are_placed_there() {
    let body = column("<mj-include path=\"parts/a.mjml\" /><mj-include path=\"parts/a.mjml\" />");
    let source = MessageSource { body: Some((TemplateKind::Mjml, &body)), ..MessageSource::default() };
    let file = "<mj-text>ü {{ contact.a | uper }}</mj-text><mj-txt />";
    let includes = |path: &str| (path == "parts/a.mjml").then(|| file.to_owned());
    let problems = compile(&source, &includes).unwrap_err();
    assert!(problems.iter().all(|problem| problem.part == Part::Include("parts/a.mjml".to_owned())));
    let expected =
        [("uper", "`uper` is not a filter of a template"), ("mj-txt", "`mj-txt` is not a tag of MJML")];
    assert_eq!(
        said(&problems, file),
        expected.map(|(place, message)| (place.to_owned(), message.to_owned()))
    );
}

/// A text with its first problem mended as it says.
fn mended(text: &str) -> String {
    let problems = text_message(text).expect_err(text);
    let (range, instead) = problems.first().and_then(|problem| problem.edit.clone()).expect(text);
    let mut text = text.to_owned();
    text.replace_range(range, &instead);
    text
}

#[test]
fn a_sign_that_was_forgotten_closes_what_belongs_together() {
    for (text, meant) in [
        ("Hello {{ contact.a", "Hello {{ contact.a }}"),
        ("Hello {{ contact.a, welcome!", "Hello {{ contact.a }}, welcome!"),
        ("Hello {{contact.a. Welcome", "Hello {{contact.a }}. Welcome"),
        ("{{ contact.a\nHello {{ contact.b }}!", "{{ contact.a }}\nHello {{ contact.b }}!"),
        ("{{ contact.a | default('you'), hello", "{{ contact.a | default('you') }}, hello"),
        ("{{ contact.a | default('you' hello", "{{ contact.a | default('you') }} hello"),
        (
            "{{ contact.a | upper | default('you') and more",
            "{{ contact.a | upper | default('you') }} and more",
        ),
        ("{{ contact.a } hello", "{{ contact.a }} hello"),
        ("{{ contact.a %} hello", "{{ contact.a }} hello"),
        ("{% if contact.a hello {% endif %}", "{% if contact.a %} hello {% endif %}"),
        ("{% if not contact.a == 'x' hello {% endif %}", "{% if not contact.a == 'x' %} hello {% endif %}"),
        ("{% if contact.a %}x{% endif", "{% if contact.a %}x{% endif %}"),
        ("{% if contact.a }}x{% endif %}", "{% if contact.a %}x{% endif %}"),
        ("{% for a in contact.b\n{{ a }}{% endfor %}", "{% for a in contact.b %}\n{{ a }}{% endfor %}"),
        ("{{ contact.a || 'x' }}", "{{ contact.a or 'x' }}"),
        ("{{ contact.a | default: 'x' }}", "{{ contact.a | default('x') }}"),
    ] {
        assert_eq!(mended(text), meant);
        assert!(text_message(meant).is_ok(), "{meant}");
    }
    // What is not closed is told where it begins, whatever comes behind it.
    let text = "Hello {{ contact.a!\n\nSee {{ contact.b }} and {{ contact.c";
    let problems = text_message(text).expect_err(text);
    let places: Vec<usize> = problems.iter().map(|problem| problem.range.start).collect();
    assert_eq!(places, [6, text.rfind("{{").unwrap()]);
}
