//! Tracked links, addresses that differ from contact to contact, the picture that counts opens.

use super::*;

fn campaign() -> [(String, String); 1] {
    [("campaign".to_owned(), "spring27".to_owned())]
}

/// The `href`s of an HTML message, tracked, with a campaign.
fn hrefs(html: &str) -> Vec<String> {
    let utm = campaign();
    let source =
        MessageSource { body: Some((TemplateKind::Html, html)), utm: &utm, ..MessageSource::default() };
    let compiled = compile(&source, &nothing).unwrap_or_else(|problems| panic!("{html}: {problems:#?}"));
    let html = Fill::tracked().render(&compiled.message).unwrap().html.unwrap();
    html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[test]
fn web_links_are_tracked_and_others_are_not() {
    let table = [
        (
            "<a href=\"https://a.test/b?c=d&amp;e=f#g\" name=\"shop\">x</a>",
            "https://go.test/c?i=0&amp;n=shop&amp;u=https://a.test/b?c=d&amp;e=f&amp;utm_campaign=spring27#g",
        ),
        (
            "<a href=\"https://a.test/b?c=d\">x</a>",
            "https://go.test/c?i=0&amp;n=https://a.test/b&amp;u=https://a.test/b?c=d&amp;utm_campaign=spring27",
        ),
        (
            "<a href=' https://a.test '>x</a>",
            "https://go.test/c?i=0&amp;n=https://a.test&amp;u=https://a.test?utm_campaign=spring27",
        ),
        ("<a href=\"mailto:a@b.test\">x</a>", "mailto:a@b.test"),
        ("<a href=\"tel:+4912\">x</a>", "tel:+4912"),
        ("<a href=\"#top\">x</a>", "#top"),
        ("<a href=\"\">x</a>", ""),
        ("<a href=\"{{ unsubscribe_url }}\">x</a>", "https://go.test/u/1"),
        ("<a href=\"{{ preferences_url }}\">x</a>", "https://go.test/p/1"),
        ("<a href=\"{{ view_url }}\">x</a>", "https://go.test/v/1"),
        ("{% set u = unsubscribe_url %}<a href=\"{{ u }}?x=1\">x</a>", "https://go.test/u/1?x=1"),
        (
            "<a href=\"{{ survey_url('nps', 9) }}\" name=\"nine\">x</a>",
            "https://go.test/c?i=0&amp;n=nine&amp;u=https://go.test/s/nps/9?utm_campaign=spring27",
        ),
        ("<link href=\"https://fonts.test/a\">", "https://fonts.test/a"),
    ];
    for (html, expected) in table {
        assert_eq!(hrefs(html), [expected], "{html}");
    }
}

#[test]
fn addresses_are_filled_in_without_changing_where_they_lead() {
    let tracked = |url: &str, name: &str| {
        format!("https://go.test/c?i=0&n={name}&u={url}").replace('&', "&amp;").replace('\'', "&#39;")
    };
    let table = [
        (
            "{{ contact.site }}",
            tracked("https://ada.test/?a=1&b=2&utm_campaign=spring27", "{{ contact.site }}"),
        ),
        (
            "https://a.test/{{ entry.source }}?q={{ entry.source }}",
            tracked(
                "https://a.test/ad%20a/b%26c?q=ad%20a/b%26c&utm_campaign=spring27",
                "https://a.test/{{ entry.source }}",
            ),
        ),
        (
            "https://a.test/?q={{ entry.source | urlencode }}",
            tracked("https://a.test/?q=ad%20a%2Fb%26c&utm_campaign=spring27", "https://a.test/"),
        ),
        (
            "https://{{ contact.first_name }}.test/",
            tracked("https://Ada.test/?utm_campaign=spring27", "https://{{ contact.first_name }}.test/"),
        ),
        ("https://{{ entry.source }}.test/", String::new()),
        (
            "https://a.test/{% if contact.vip %}vip{% else %}all{% endif %}",
            tracked(
                "https://a.test/vip?utm_campaign=spring27",
                "https://a.test/{% if contact.vip %}vip{% else %}all{% endif %}",
            ),
        ),
        (
            "{% if contact.vip %}https://vip.test{% else %}https://a.test{% endif %}",
            tracked(
                "https://vip.test?utm_campaign=spring27",
                "{% if contact.vip %}https://vip.test{% else %}https://a.test{% endif %}",
            ),
        ),
        ("{{ contact.evil }}", String::new()),
        ("{{ contact.unknown }}", String::new()),
        ("{{ contact.control }}", String::new()),
        ("{{ contact.first_name }}", String::new()),
        (
            "mailto:{{ contact.first_name }}@a.test?subject={{ entry.source }}",
            "mailto:Ada@a.test?subject=ad%20a/b%26c".to_owned(),
        ),
        ("{{ '//evil.test' }}", String::new()),
        ("{{ 'java\\tscript:alert(1)' }}", String::new()),
        ("{{ 'data:text/html,x' }}", String::new()),
    ];
    for (href, expected) in table {
        assert_eq!(hrefs(&format!("<a href=\"{href}\">x</a>")), [expected], "{href}");
    }
}

#[test]
fn links_are_numbered_by_name_and_address() {
    let html = "<a href=\"https://a.test/?x=1\">1</a><a href=\"https://a.test/?x=1\">2</a>\
                <a href=\"https://a.test/?x=2\">3</a><a name=\"b\" href=\"https://a.test/?x=2\">4</a>\
                {% for i in [1, 2] %}<a href=\"https://c.test/{{ i }}\">{{ i }}</a>{% endfor %}";
    let compiled = html_message(html).unwrap();
    let links: Vec<_> =
        compiled.links.iter().map(|link| (link.name.as_str(), link.url_source.as_str())).collect();
    assert_eq!(
        links,
        [
            ("https://a.test/", "https://a.test/?x=1"),
            ("https://a.test/", "https://a.test/?x=2"),
            ("b", "https://a.test/?x=2"),
            ("https://c.test/{{ i }}", "https://c.test/{{ i }}"),
        ]
    );
    let html = Fill::tracked().render(&compiled.message).unwrap().html.unwrap();
    let numbers: Vec<_> = html.split("c?i=").skip(1).map(|rest| under(rest, 0..1)).collect();
    assert_eq!(numbers, ["0", "0", "1", "2", "3", "3"]);
    assert!(html.contains("u=https://c.test/1\">1</a>") && html.contains("u=https://c.test/2\">2</a>"));
}

#[test]
fn without_tracking_links_lead_where_they_say() {
    let utm = campaign();
    let html = "<a href=\"https://a.test/?x=1&amp;y=2\">x</a><a href=\"{{ contact.site }}\">y</a>";
    let source =
        MessageSource { body: Some((TemplateKind::Html, html)), utm: &utm, ..MessageSource::default() };
    let rendered = Fill::default().render(&compile(&source, &nothing).unwrap().message).unwrap();
    assert_eq!(
        rendered.html.unwrap(),
        "<a href=\"https://a.test/?x=1&amp;y=2&amp;utm_campaign=spring27\">x</a>\
         <a href=\"https://ada.test/?a=1&amp;b=2&amp;utm_campaign=spring27\">y</a>"
    );
}

#[test]
fn a_signed_address_arrives_byte_by_byte() {
    let url = "https://a.test/x%2fy?b=%20+&a=1&&sig=A%3d%3D~;,:@!$'()*[]|^{}";
    let html = format!("<a href=\"{}\">x</a>", url.replace('&', "&amp;"));
    let compiled = html_message(&html).unwrap();
    let seen = std::cell::RefCell::new(Vec::new());
    let track = |link: &TrackedLink<'_>| {
        seen.borrow_mut().push(link.url.to_owned());
        "https://go.test/c\"".to_owned()
    };
    let zone = zone("UTC").unwrap();
    let context = RenderContext {
        contact: &json!({}),
        entry: &json!({}),
        with: &Attributes::new(),
        zone: &zone,
        unsubscribe_url: "",
        preferences_url: "",
        view_url: "",
        survey_url: Arc::new(|_, _| String::new()),
        track_link: Some(&track),
        open_pixel_url: None,
    };
    let rendered = Renderer::new(&compiled.message).unwrap().render(&context).unwrap();
    assert_eq!(*seen.borrow(), [url, url]);
    assert_eq!(rendered.html.unwrap(), "<a href=\"https://go.test/c&quot;\">x</a>");
    assert_eq!(rendered.text, "x (https://go.test/c\")\n");
}

#[test]
fn links_of_outlook_are_tracked_too() {
    let html = "<!--[if mso]><v:roundrect href=\"https://a.test\" style=\"v-text-anchor:middle\"><![endif]-->\
                <a href=\"https://a.test\">x</a><!--[if mso]></v:roundrect><![endif]-->";
    let found = hrefs(html);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|href| href.starts_with("https://go.test/c?i=0")), "{found:?}");
}

#[test]
fn addresses_in_a_plain_text_are_tracked() {
    let utm = campaign();
    let text = "See https://a.test/b?c={{ entry.source }}, (https://a.test) or <https://b.test/x_(y)>. {{ unsubscribe_url }} \
                {{ contact.site }} http://c.test{% if contact.vip %}!{% endif %}";
    let source = MessageSource { text: Some(text), utm: &utm, ..MessageSource::default() };
    let compiled = compile(&source, &nothing).unwrap();
    let text = Fill::tracked().render(&compiled.message).unwrap().text;
    assert_eq!(
        text,
        "See https://go.test/c?i=0&n=https://a.test/b&u=https://a.test/b?c=ad%20a/b%26c&utm_campaign=spring27, \
         (https://go.test/c?i=1&n=https://a.test&u=https://a.test?utm_campaign=spring27) or \
         <https://go.test/c?i=2&n=https://b.test/x_(y)&u=https://b.test/x_(y)?utm_campaign=spring27>. https://go.test/u/1 \
         https://ada.test/?a=1&b=2 https://go.test/c?i=3&n=http://c.test&u=http://c.test?utm_campaign=spring27!\n"
    );
}

#[test]
fn opens_are_counted_where_there_is_a_picture_for_it() {
    let mut fill = Fill { pixel: Some("https://go.test/o?a=1&b=2"), ..Fill::default() };
    let pixel = "<img src=\"https://go.test/o?a=1&amp;b=2\" width=\"1\" height=\"1\" alt=\"\">";
    assert_eq!(fill.html("<body><p>x</p></body>"), format!("<body><p>x</p>{pixel}</body>"));
    assert_eq!(fill.html("<p>x</p>"), format!("<p>x</p>{pixel}"));
    fill.pixel = None;
    assert_eq!(fill.html("<body><p>x</p></body>"), "<body><p>x</p></body>");
}
