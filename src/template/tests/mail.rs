//! Mails as a whole: MJML, styles, preview text, the text part, what is stored.

use super::*;

/// A mail with something of everything.
const NEWSLETTER: &str = r##"<mjml lang="de">
  <mj-head>
    <mj-title>Hello {{ contact.first_name }} "&amp;" co</mj-title>
    <mj-attributes><mj-all font-family="Arial" /><mj-class name="big" font-size="20px" /></mj-attributes>
    <mj-style>@media (max-width:1px){#b{color:blue}} a:hover { color: blue }</mj-style>
    <mj-style inline="inline">.green { color: green }</mj-style>
  </mj-head>
  <mj-body>
    <!-- a note for colleagues -->
    {% if contact.vip %}
    <mj-section background-url="https://a.test/{{ contact.first_name }}.png" background-color="{{ contact.colour }}">
      <mj-column>
        {% if contact.no %}<mj-text>Never</mj-text>{% else %}<mj-text mj-class="big" css-class="green">
          Hello {{ contact.first_name }}, <b>this</b>
          <i>that</i> <a class="green" href="https://a.test/?a=1&amp;b={{ entry.source }}" name="shop">there</a> &euro;
        </mj-text>{% endif %}
        <mj-button href="https://b.test/x" name="cta">Go</mj-button>
        <mj-image src="https://a.test/a.png" alt="A &quot;cat&quot; 👩‍💻 \o/" />
        <mj-table>{% for i in contact.interests %}<tr><td>{{ i }}</td><td>{{ loop.index }}</td></tr>{% endfor %}</mj-table>
        <mj-raw>{% if contact.vip %}</mj-raw><mj-text>raw</mj-text><mj-raw>{% endif %}</mj-raw>
        <mj-navbar base-url="https://nav.test"><mj-navbar-link href="/one">One</mj-navbar-link></mj-navbar>
      </mj-column>
    </mj-section>
    {% endif %}
    <mj-wrapper>
      {% if contact.no %}<mj-section><mj-column><mj-text>Hidden</mj-text></mj-column></mj-section>{% endif %}
      <mj-section><mj-column><mj-text><a href="{{ unsubscribe_url }}">Unsubscribe</a></mj-text></mj-column></mj-section>
    </mj-wrapper>
  </mj-body>
</mjml>"##;

fn newsletter() -> Compiled {
    let source = MessageSource {
        subject: Some("Hi {{ contact.first_name }}"),
        preheader: Some("20 % <off>, {{ contact.markup }}"),
        body: Some((TemplateKind::Mjml, NEWSLETTER)),
        ..MessageSource::default()
    };
    compile(&source, &nothing).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

#[test]
fn mjml_becomes_a_mail() {
    let html = Fill::default().render(&newsletter().message).unwrap().html.unwrap();
    for expected in [
        "<title>Hello Ada \"&amp;\" co</title>",
        "aria-label=\"Hello Ada &quot;&amp;&quot; co\"",
        "<div style=\"display:none;font-size:1px;color:#ffffff;line-height:1px;max-height:0px;max-width:0px;opacity:0;\
         overflow:hidden;\">20 % &lt;off&gt;, &lt;b&gt;&quot;A&quot; &amp; &#39;B&#39;&lt;/b&gt;</div>",
        "@media (max-width:1px){#b{color:blue}} a:hover { color: blue }",
        "background=\"https://a.test/Ada.png\"",
        "<v:fill position=\"0.5, 0\" origin=\"0.5, 0\" src=\"https://a.test/Ada.png\" color=\"#ff0000\"",
        "background:#ff0000 url('https://a.test/Ada.png')",
        "Hello Ada, <b>this</b>\n          <i>that</i> ",
        "href=\"https://a.test/?a=1&amp;b=ad%20a/b%26c\" style=\"color: green;\">there</a>",
        "<a href=\"https://b.test/x\" name=\"cta\"",
        "alt=\"A &quot;cat&quot; 👩‍💻 \\o/\"",
        "<tbody><tr><td>shoes</td><td>1</td></tr><tr><td>hats &amp; caps</td><td>2</td></tr></tbody>",
        "raw</div>",
        "href=\"https://nav.test/one\"",
        "<a href=\"https://go.test/u/1\">Unsubscribe</a>",
        "<!--[if mso | IE]>",
    ] {
        assert!(html.contains(expected), "{expected}\n\n{html}");
    }
    for unexpected in ["Never", "Hidden", "colleagues", "{{", "{%", "⸨", "<!---->", "mj-text"] {
        assert!(!html.contains(unexpected), "{unexpected}\n\n{html}");
    }
}

#[test]
fn sections_that_are_left_out_leave_whole_html() {
    let mut fill = Fill::default();
    for (vip, no) in [(true, false), (false, true), (false, false)] {
        fill.contact["vip"] = json!(vip);
        fill.contact["no"] = json!(no);
        let html = fill.render(&newsletter().message).unwrap().html.unwrap();
        assert_eq!(html.contains("Hello Ada, "), vip && !no);
        assert_eq!(html.contains("Hidden"), no);
        for (open, close) in [
            ("<table", "</table>"),
            ("<tr", "</tr>"),
            ("<td", "</td>"),
            ("<div", "</div>"),
            ("<!--[if", "<![endif]"),
        ] {
            let count = |what: &str| html.matches(what).count();
            assert_eq!(count(open), count(close), "{open} {vip} {no}\n{html}");
        }
    }
}

#[test]
fn the_text_part_is_made_from_the_html() {
    let rendered = Fill::tracked().render(&newsletter().message).unwrap();
    assert_eq!(
        rendered.text,
        "Hello Ada, this that there (https://go.test/c?i=0&n=shop&u=https://a.test/?a=1&b=ad%20a/b%26c) €\n\
         \n\
         Go (https://go.test/c?i=1&n=cta&u=https://b.test/x)\n\
         \n\
         A \"cat\" 👩‍💻 \\o/\n\
         \n\
         shoes 1\n\
         hats & caps 2\n\
         \n\
         raw\n\
         \n\
         One (https://go.test/c?i=2&n=https://nav.test/one&u=https://nav.test/one)\n\
         \n\
         Unsubscribe (https://go.test/u/1)\n"
    );
}

#[test]
fn html_becomes_readable_text() {
    let table = [
        (
            "<h1>Hi</h1><p>a <b>b</b><br>c</p><ul><li>one<li>two</ul><hr>end",
            "Hi\n\na b\nc\n* one\n* two\n\n---\n\nend\n",
        ),
        (
            "<style>p{}</style><title>x</title><p>a</p><!-- no --><div style=\"display: none\">no<div>no</div></div>b",
            "a\n\nb\n",
        ),
        (
            "<a href=\"mailto:a@b.test\">a@b.test</a> <a href=\"mailto:a@b.test\">write</a>",
            "a@b.test write (a@b.test)\n",
        ),
        (
            "<a href=\"https://a.test\"><img src=\"https://a.test/b\" alt=\"Logo\"></a><a href=\"https://a.test\"><img src=\"https://a.test/b\"></a>",
            "Logo (https://a.test)\n",
        ),
        ("<a href=\"{{ contact.evil }}\">x</a> y", "x y\n"),
        ("<p>a &amp; b &lt;c&gt; &nbsp;d ü</p>", "a & b <c>  d ü\n"),
        ("<p>Hello</p>{% if contact.no %}<p>never</p>{% endif %}<p>Bye</p>", "Hello\n\nBye\n"),
        ("<p>Hello{% if contact.vip %} you{% endif %}!</p>", "Hello you!\n"),
        (
            "<table><tr><td>a</td><td>b</td></tr>{% for i in [1, 2] %}<tr><td>{{ i }}</td><td>x</td></tr>{% endfor %}</table>",
            "a b\n1 x\n2 x\n",
        ),
        ("<!--[if mso]>outlook<![endif]-->all", "all\n"),
        ("<p>{{ contact.markup }}</p>", "<b>\"A\" & 'B'</b>\n"),
    ];
    for (html, expected) in table {
        let compiled = html_message(html).unwrap_or_else(|problems| panic!("{html}: {problems:#?}"));
        assert_eq!(Fill::default().render(&compiled.message).unwrap().text, expected, "{html}");
    }
}

#[test]
fn a_text_of_its_own_is_taken_before_the_one_from_the_html() {
    let source = MessageSource {
        body: Some((TemplateKind::Html, "<p>html</p>")),
        text: Some("text"),
        ..MessageSource::default()
    };
    let rendered = Fill::default().render(&compile(&source, &nothing).unwrap().message).unwrap();
    assert_eq!((rendered.html.as_deref(), rendered.text.as_str()), (Some("<p>html</p>"), "text\n"));
    let rendered =
        Fill::default().render(&body_message(TemplateKind::Text, "text").unwrap().message).unwrap();
    assert_eq!((rendered.html, rendered.text.as_str()), (None, "text\n"));
}

#[test]
fn styles_go_into_the_tags_and_the_rest_stays() {
    let html = "<html><head><style>.b{color:{{ contact.colour }}} a:hover{color:red} @media(max-width:9px){#m{width:1px}}</style>\
                <!--[if mso]><style>td{top:0}</style><![endif]--></head><body><p class=\"b\" id=\"m\">x</p></body></html>";
    assert_eq!(
        Fill::default().html(html),
        "<html><head><style>a:hover { color: red; }\n@media(max-width:9px){#m{width:1px}}</style>\
         <!--[if mso]><style>td{top:0}</style><![endif]--></head><body><p class=\"b\" id=\"m\" style=\"color: #ff0000;\">x</p></body></html>"
    );
    // Nothing is loaded from elsewhere.
    let linked = "<link rel=\"stylesheet\" href=\"file:///etc/passwd\"><style>p{top:0}</style><p>x</p>";
    assert_eq!(
        html_message(linked).unwrap_err()[0].message,
        "`file:///etc/passwd` is no address that a mail can lead to"
    );
    let font = "<link rel=\"stylesheet\" href=\"https://fonts.test/a.css\"><style>p{top:0}</style><p>x</p>";
    assert!(
        Fill::default().html(font).contains("<link rel=\"stylesheet\" href=\"https://fonts.test/a.css\">")
    );
}

#[test]
fn rows_stay_in_their_loops_when_styles_are_written_in() {
    let fill = Fill::default();
    let rows = "<style>td{top:0}</style><table>\n{% for i in contact.interests %}\n<tr><td>{{ i }}</td></tr>\n{% else %}<tr><td>none</td></tr>{% endfor %}</table>";
    assert!(fill.html(rows).contains(
        "<table>\n<tbody>\n<tr><td style=\"top: 0;\">shoes</td></tr>\n<tr><td style=\"top: 0;\">hats &amp; caps</td></tr>\n</tbody></table>"
    ), "{}", fill.html(rows));
    let bodies = "<style>td{top:0}</style><table>{% if contact.no %}<tbody><tr><td>a</td></tr></tbody>{% endif %}<tbody><tr><td>b</td></tr></tbody></table>";
    assert!(
        fill.html(bodies).contains("<table><tbody><tr><td style=\"top: 0;\">b</td></tr></tbody></table>")
    );
}

#[test]
fn a_preview_text_of_the_author_is_kept() {
    let body = "<mjml><mj-head><mj-preview>Mine {{ contact.first_name }}</mj-preview></mj-head><mj-body></mj-body></mjml>";
    let source = MessageSource {
        preheader: Some("Other"),
        body: Some((TemplateKind::Mjml, body)),
        ..MessageSource::default()
    };
    let rendered = Fill::default().render(&compile(&source, &nothing).unwrap().message).unwrap();
    let html = rendered.html.unwrap();
    assert!(html.contains(">Mine Ada</div>") && !html.contains("Other"), "{html}");
    assert_eq!(rendered.preheader.unwrap(), "Other");
}

#[test]
fn html_gets_its_preview_text_at_the_begin_of_its_body() {
    for (html, begin) in
        [("<html><body class=\"a\"><p>x</p></body></html>", "<html><body class=\"a\">"), ("<p>x</p>", "")]
    {
        let source = MessageSource {
            preheader: Some("A & B"),
            body: Some((TemplateKind::Html, html)),
            ..MessageSource::default()
        };
        let rendered = Fill::default().render(&compile(&source, &nothing).unwrap().message).unwrap();
        let written = rendered.html.unwrap();
        let behind = written.strip_prefix(begin).unwrap();
        assert!(
            behind.starts_with("<div style=\"display:none;") && behind.contains("\">A &amp; B</div><p>x</p>"),
            "{written}"
        );
        assert_eq!(rendered.text, "x\n");
    }
}

#[test]
fn files_are_included_at_any_depth() {
    let includes = |path: &str| {
        let text = match path {
            "parts/footer.mjml" => {
                "<mj-text>{{ contact.first_name }}</mj-text><mj-include path=\"./logo.mjml\"/>"
            }
            "parts/logo.mjml" => "<mj-text>logo</mj-text>",
            "whole.mjml" => {
                "<mjml><mj-head><mj-style>.whole{top:0}</mj-style></mj-head><mj-body><mj-text>whole</mj-text></mj-body></mjml>"
            }
            "raw.html" => "<tr><td>html</td></tr>",
            "style.css" => ".css{top:0}",
            _ => return None,
        };
        Some(text.to_owned())
    };
    let body = column(
        "<mj-include path=\"parts/footer.mjml\"></mj-include><mj-include path=\"./whole.mjml\" />\
         <mj-include path=\"raw.html\" type=\"html\" /><mj-include path=\"style.css\" type=\"css\" />",
    );
    let source = MessageSource { body: Some((TemplateKind::Mjml, &body)), ..MessageSource::default() };
    let compiled = compile(&source, &includes).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let html = Fill::default().render(&compiled.message).unwrap().html.unwrap();
    for expected in
        [">Ada</div>", ">logo</div>", ">whole</div>", "<td>html</td>", ".whole{top:0}", ".css{top:0}"]
    {
        assert!(html.contains(expected), "{expected}\n{html}");
    }
}

#[test]
fn every_tag_of_mjml_is_taken() {
    let all = "<mjml><mj-head><mj-breakpoint width=\"320px\"/><mj-font name=\"R\" href=\"https://f.test/r\"/>\
        <mj-raw><meta name=\"a\" content=\"b\"></mj-raw></mj-head><mj-body>\
        <mj-hero mode=\"fluid-height\" background-url=\"https://a.test/h\">{% if contact.vip %}<mj-text>hero</mj-text>{% endif %}</mj-hero>\
        <mj-section><mj-group>{% if contact.vip %}<mj-column width=\"50%\"><mj-text>group</mj-text></mj-column>{% endif %}</mj-group></mj-section>\
        <mj-section>{% for i in [1, 2] %}<mj-column><mj-divider border-width=\"1px\"/><mj-spacer height=\"2px\"/>\
        <mj-social>{% if contact.vip %}<mj-social-element name=\"x\" href=\"https://x.test\">X</mj-social-element>{% endif %}</mj-social>\
        <mj-navbar hamburger=\"hamburger\">{% if contact.vip %}<mj-navbar-link href=\"https://n.test\">N</mj-navbar-link>{% endif %}</mj-navbar>\
        <mj-accordion>{% if contact.vip %}<mj-accordion-element><mj-accordion-title>T <b>t</b></mj-accordion-title>\
        <mj-accordion-text>accordion</mj-accordion-text></mj-accordion-element>{% endif %}</mj-accordion>\
        <mj-carousel><mj-carousel-image src=\"https://a.test/1\" href=\"https://a.test/2\"/></mj-carousel></mj-column>{% endfor %}</mj-section>\
        </mj-body></mjml>";
    let compiled = body_message(TemplateKind::Mjml, all).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let html = Fill::default().render(&compiled.message).unwrap().html.unwrap();
    for (expected, count) in [
        ("hero</div>", 1),
        ("group</div>", 1),
        (">accordion<", 2),
        (">N</a>", 2),
        ("T <b>t</b>", 2),
        ("https://a.test/1", 4),
    ] {
        assert!(html.matches(expected).count() >= count, "{expected}\n{html}");
    }
}

#[test]
fn the_same_source_gives_the_same_bytes() {
    let bytes = || serde_json::to_string(&*newsletter().message).unwrap();
    let first = bytes();
    assert_eq!(first, bytes());
    assert!(first.len() < 20_000, "{}", first.len());
    let read: CompiledMessage = serde_json::from_str(&first).unwrap();
    assert_eq!(read, *newsletter().message);
}

#[test]
fn kinds_are_told_by_their_endings() {
    assert_eq!(TemplateKind::of_path("emails/a.b.mjml"), Some(TemplateKind::Mjml));
    assert_eq!(TemplateKind::of_path("a.html"), Some(TemplateKind::Html));
    assert_eq!(TemplateKind::of_path("a.txt"), Some(TemplateKind::Text));
    assert_eq!(TemplateKind::of_path("a.css"), None);
    assert_eq!(TemplateKind::of_path("mjml"), None);
}

#[test]
fn nobody_else_learns_who_reads() {
    let compiled = body_message(TemplateKind::Mjml, &column("<mj-text>Hello</mj-text>")).unwrap();
    let html = Fill::default().render(&compiled.message).unwrap().html.unwrap();
    assert!(html.contains("Hello") && !html.contains("googleapis"), "{html}");
    // Who wants a font says so.
    let font = "<mjml><mj-head><mj-font name=\"Own\" href=\"https://fonts.test/own.css\" />
        <mj-attributes><mj-all font-family=\"Own\" /></mj-attributes></mj-head>
        <mj-body><mj-section><mj-column><mj-text>Hello</mj-text></mj-column></mj-section></mj-body></mjml>";
    let compiled = body_message(TemplateKind::Mjml, font).unwrap();
    assert!(Fill::default().render(&compiled.message).unwrap().html.unwrap().contains("fonts.test"));
}
