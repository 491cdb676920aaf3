//! What a template reads, where, and whether it does without it.

use super::*;

/// Each value that is read: its name, whether it is guarded. The text under it must be the name itself.
fn read(text: &str) -> Vec<(String, bool)> {
    let compiled = text_message(text).unwrap_or_else(|problems| panic!("{text}: {problems:#?}"));
    compiled
        .variables
        .iter()
        .map(|variable| {
            assert_eq!(variable.part, Part::Text);
            let written = under(text, variable.range.clone())
                .replace(['[', ']', '\'', '"', ' '], ".")
                .replace("..", ".");
            assert_eq!(written.trim_end_matches('.'), variable.path.join("."), "{text}");
            (variable.path.join("."), variable.guarded)
        })
        .collect()
}

#[test]
fn every_value_is_found_at_its_place() {
    let table = [
        ("{{ contact.first_name }}", "contact.first_name"),
        ("ü {{contact.first_name}}", "contact.first_name"),
        ("{{ contact['first_name'] }}", "contact.first_name"),
        ("{{ contact . first_name }}", "contact.first_name"),
        ("{{ 1 + (contact.score | int) }}", "contact.score"),
        ("{{ entry.address.city }}", "entry.address.city"),
        ("{{ coupon }}", "coupon"),
        ("{{ unsubscribe_url }}", "unsubscribe_url"),
        ("{{ \"a\" if contact.vip }}", "contact.vip"),
        ("{% set x = contact.a %}", "contact.a"),
        ("{% for x in contact.a %}{% endfor %}", "contact.a"),
        ("{{ 'x' | truncate(contact.a) }}", "contact.a"),
        ("{{ contact.a is divisibleby(2) }}", "contact.a"),
    ];
    for (text, expected) in table {
        let found = text_message(text).unwrap_or_else(|problems| panic!("{text}: {problems:#?}")).variables;
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(found[0].path.join("."), expected, "{text}");
        let written = under(text, found[0].range.clone());
        let written: String = written.chars().filter(|c| !"[]' ".contains(*c)).collect();
        assert_eq!(written.replace('.', ""), expected.replace('.', ""), "{text}");
    }
}

#[test]
fn guards_are_seen() {
    let table: [(&str, &[bool]); 19] = [
        ("{{ contact.a }}", &[false]),
        ("{{ contact.a | default('x') }}", &[true]),
        ("{{ contact.a | upper | default('x') }}", &[true]),
        ("{{ contact.a | default(contact.b) }}", &[true, false]),
        ("{{ contact.a or 'x' }}", &[true]),
        ("{% if contact.a %}{{ contact.a }}{% endif %}", &[true, true]),
        ("{% if contact.a %}{{ contact.b }}{% endif %}", &[true, false]),
        ("{% if contact.a %}{% endif %}{{ contact.a }}", &[true, false]),
        ("{% if contact.a %}{% else %}{{ contact.a }}{% endif %}", &[true, false]),
        ("{% if not contact.a %}{% else %}{{ contact.a }}{% endif %}", &[true, true]),
        ("{% if contact.a is defined %}{{ contact.a }}{% endif %}", &[true, true]),
        ("{% if contact.a is none %}{% else %}{{ contact.a }}{% endif %}", &[true, true]),
        ("{% if contact.a and contact.b %}{{ contact.b }}{% endif %}", &[true, true, true]),
        ("{% if contact.a or contact.b %}{{ contact.b }}{% endif %}", &[true, true, false]),
        ("{% if contact.a == 'x' %}{{ contact.a }}{% endif %}", &[true, true]),
        ("{% if contact.a != 'x' %}{{ contact.a }}{% endif %}", &[true, false]),
        (
            "{% if not contact.a %}{% elif contact.b %}{{ contact.a }}{{ contact.b }}{% endif %}",
            &[true, true, true, true],
        ),
        ("{{ contact.a if contact.a else contact.b }}", &[true, true, false]),
        ("{% for x in contact.a %}{{ x }}{% endfor %}", &[true]),
    ];
    for (text, expected) in table {
        let guarded: Vec<bool> = read(text).into_iter().map(|(_, guarded)| guarded).collect();
        assert_eq!(guarded, expected, "{text}");
    }
}

#[test]
fn names_of_the_template_itself_are_not_read_from_outside() {
    let text = "{% set a = contact.b %}{{ a }}{% for c in contact.d %}{{ c }}{{ c.e }}{{ loop.index }}{% endfor %}{{ c }}";
    let names: Vec<String> = read(text).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["contact.b", "contact.d", "c"]);
}

#[test]
fn surveys_are_found_with_their_scores() {
    let text = "{{ survey_url(\"nps\") }} {{ survey_url('nps', 9) }} {% for n in range(3) %}{{ survey_url('csat', n) }}{% endfor %}";
    let surveys = text_message(text).unwrap().surveys;
    let found: Vec<_> = surveys
        .iter()
        .map(|survey| (under(text, survey.range.clone()), survey.name.as_str(), survey.score))
        .collect();
    assert_eq!(
        found,
        [
            ("survey_url(\"nps\")", "nps", None),
            ("survey_url('nps', 9)", "nps", Some(9)),
            ("survey_url('csat', n)", "csat", None),
        ]
    );
}

#[test]
fn a_way_to_unsubscribe_is_seen_where_the_reader_can_use_it() {
    let link = "<a href=\"{{ unsubscribe_url }}\">x</a>";
    assert!(html_message(link).unwrap().has_unsubscribe);
    assert!(html_message("<a href=\"{{ preferences_url }}\">x</a>").unwrap().has_unsubscribe);
    assert!(text_message("{{ unsubscribe_url }}").unwrap().has_unsubscribe);
    assert!(!html_message("<a href=\"{{ view_url }}\">x</a>").unwrap().has_unsubscribe);
    let subject = MessageSource { subject: Some("{{ unsubscribe_url }}"), ..MessageSource::default() };
    assert!(!compile(&subject, &nothing).unwrap().has_unsubscribe);
    let included = column("<mj-include path=\"f.mjml\" />");
    let source = MessageSource { body: Some((TemplateKind::Mjml, &included)), ..MessageSource::default() };
    let footer = |_: &str| Some(format!("<mj-text>{link}</mj-text>"));
    let compiled = compile(&source, &footer).unwrap();
    assert!(compiled.has_unsubscribe);
    assert_eq!(compiled.variables[0].part, Part::Include("f.mjml".to_owned()));
}
