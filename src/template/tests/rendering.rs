//! What placeholders and statements come to.

use super::*;

#[test]
fn values_are_written_as_people_write_them() {
    let fill = Fill::default();
    let table = [
        ("{{ contact.first_name }}", "Ada"),
        ("[{{ contact.last_name }}]", "[]"),
        ("[{{ contact.unknown }}]", "[]"),
        ("[{{ contact.unknown.deeper }}]", "[]"),
        ("{{ contact.vip }}", "true"),
        ("{{ contact.score }}", "49.9"),
        ("{{ contact.points }}", "1234567"),
        ("{{ entry.total }}", "49"),
        ("{{ contact.interests }}", "shoes, hats & caps"),
        ("{{ none }}{{ true }}", "true"),
        ("{{ 4 / 2 }} {{ 7 / 2 }} {{ 7 // 2 }} {{ 7 % 4 }} {{ -(1) }}", "2 3.5 3 3 -1"),
        ("{{ contact.first_name ~ ' ' ~ contact.last_name ~ '!' }}", "Ada !"),
        ("{{ '{{' }} { {x} }} %} {#", "{{ { {x} }} %} {#"),
        ("a{# not in the mail #}b", "ab"),
        ("a {{- ' b ' -}} c", "a b c"),
    ];
    for (text, expected) in table {
        assert_eq!(fill.text(text), expected, "{text}");
    }
}

#[test]
fn filters_do_what_their_names_say() {
    let fill = Fill::default();
    let table = [
        ("{{ contact.first_name | default('you') }}", "Ada"),
        ("{{ contact.last_name | default('you') }}", "you"),
        ("{{ contact.unknown | default('you') }}", "you"),
        ("{{ contact.empty | d('you') }}", "you"),
        ("{{ contact.unknown | upper | default('you', true) }}", "you"),
        ("{{ contact.first_name | upper }} {{ 'ÄB' | lower }}", "ADA äb"),
        ("{{ 'anna-lena VON ü' | title }} {{ 'hELLO yOU' | capitalize }}", "Anna-Lena Von Ü Hello you"),
        ("[{{ '  a ' | trim }}]", "[a]"),
        ("{{ 'one two three' | truncate(9) }} {{ 'one' | truncate(9) }}", "one two… one"),
        ("{{ 'onetwothree' | truncate(5, '...') }}", "onetw..."),
        ("{{ 'a b/ü&' | urlencode }}", "a%20b%2F%C3%BC%26"),
        (
            "{{ '42.9' | int }} {{ '42.9' | float }} {{ 'x' | int }} {{ contact.unknown | int }}",
            "42 42.9 0 0",
        ),
        (
            "{{ (contact.score | float) * 2 }} {{ 2.345 | round(2) }} {{ 2.5 | round }} {{ (0 - 3) | abs }}",
            "99.8 2.35 3 3",
        ),
        ("{{ contact.points | number }} {{ contact.score | number(2) }}", "1,234,567 49.90"),
        (
            "{{ 1234.5 | number(2, ',', '.') }} {{ (0 - 1234) | number }} {{ (0 - 0.001) | number(2) }}",
            "1.234,50 -1,234 0.00",
        ),
        ("[{{ contact.unknown | number(2) }}]", "[]"),
        ("{{ contact.birthday | date('%d.%m.%Y') }}", "10.12.1815"),
        ("{{ contact.created_at | date('%d.%m.%Y %H:%M') }}", "02.03.2027 00:30"),
        ("{{ contact.first_name | date('%d') }}[{{ contact.unknown | date('%d') }}]", "Ada[]"),
        ("{{ contact.interests | length }} {{ 'äö' | length }} {{ contact.unknown | count }}", "2 2 0"),
        (
            "{{ contact.interests | first }} {{ contact.interests | last }} {{ 'Ada' | first }}",
            "shoes hats & caps A",
        ),
        ("[{{ contact.unknown | first }}]", "[]"),
        ("{{ contact.interests | join(' + ') }} {{ 'a' | join }}", "shoes + hats & caps a"),
        ("{{ contact.first_name[:1] }} {{ contact.interests[0] }}[{{ contact.interests[9] }}]", "A shoes[]"),
    ];
    for (text, expected) in table {
        assert_eq!(fill.text(text), expected, "{text}");
    }
}

#[test]
fn tests_take_null_and_nothing_alike() {
    let fill = Fill::default();
    for name in ["contact.last_name", "contact.unknown", "coupon"] {
        let text =
            format!("{{{{ {name} is defined }}}} {{{{ {name} is none }}}} {{{{ {name} is undefined }}}}");
        assert_eq!(fill.text(&text), "false true true", "{name}");
        assert_eq!(fill.text(&format!("{{% if {name} %}}yes{{% else %}}no{{% endif %}}")), "no");
        assert_eq!(fill.text(&format!("[{{% for a in {name} %}}x{{% else %}}none{{% endfor %}}]")), "[none]");
    }
    let table = [
        ("{{ contact.score is number }} {{ contact.first_name is string }}", "true true"),
        (
            "{{ 2 is even }} {{ 2 is odd }} {{ 9 is divisibleby(3) }} {{ 9 is divisibleby(0) }}",
            "true false true false",
        ),
        (
            "{{ contact.first_name is startingwith('A') }} {{ contact.unknown is endingwith('a') }}",
            "true false",
        ),
        ("{{ 'shoes' in contact.interests }} {{ 'x' in contact.unknown }}", "true false"),
        ("{{ contact.first_name == 'Ada' and not contact.unknown }}", "true"),
    ];
    for (text, expected) in table {
        assert_eq!(fill.text(text), expected, "{text}");
    }
}

#[test]
fn loops_go_through_what_there_is() {
    let fill = Fill::default();
    let table = [
        (
            "{% for i in contact.interests %}{{ loop.index }}{{ i }}{% if not loop.last %}, {% endif %}{% endfor %}",
            "1shoes, 2hats & caps",
        ),
        (
            "{% for i in range(3) %}{{ i }}{% endfor %} {% for i in range(1, 3) %}{{ i }}{% endfor %}",
            "012 12",
        ),
        ("{% for i in contact.first_name %}<{{ i }}>{% endfor %}", "<Ada>"),
        ("{% for i in contact.points %}<{{ i }}>{% endfor %}", "<1234567>"),
        ("{% set a = 'x' %}{% for i in [1, 2] %}{{ a }}{% set a = 'y' %}{{ a }}{% endfor %}{{ a }}", "xyxyx"),
        ("{%- for i in [1, 2] -%} {{ i }} {%- endfor -%}", "12"),
    ];
    for (text, expected) in table {
        assert_eq!(fill.text(text), expected, "{text}");
    }
}

#[test]
fn what_the_send_hands_over_has_to_be_there() {
    let text = "{{ coupon }}{{ extra | default('-') }}";
    assert_eq!(Fill::with("coupon", json!("SPRING")).text(text), "SPRING-");
    assert_eq!(Fill::with("coupon", json!(null)).text(text), "-");
    let error = Fill::default().render(&text_message(text).unwrap().message).unwrap_err();
    let expected = "the template reads `coupon`, which the send does not hand over: add it to `with`";
    assert_eq!(error.to_string(), expected);
    // A name of the message itself is not overwritten.
    assert_eq!(Fill::with("contact", json!({ "first_name": "Eve" })).text("{{ contact.first_name }}"), "Ada");
}

#[test]
fn what_cannot_be_calculated_is_an_error() {
    let message = text_message("{{ 1 / (contact.unknown | int) }}").unwrap().message;
    let error = Fill::default().render(&message).unwrap_err();
    assert_eq!(error.to_string(), "the text cannot be filled in: unable to calculate 1 / 0");
}

#[test]
fn lines_of_statements_leave_no_gap() {
    let text = "Hello\n\n{% if contact.no %}\nhidden\n{% endif %}\n{% for i in [1, 2] %}\n- {{ i }}\n{% endfor %}\n\n\n\nBye  \n";
    assert_eq!(Fill::default().text(text), "Hello\n\n- 1\n- 2\n\nBye");
}

#[test]
fn renderers_are_shared_between_threads() {
    fn is_shared<T: Send + Sync>(_: &T) {}
    is_shared(&Renderer::new(&text_message("x").unwrap().message).unwrap());
}
