use super::*;
use crate::ide::testing::shop_with;
use crate::time::Date;

/// The file with its hints written into it; now is Monday, 1 March 2027, 10:00 in Berlin.
fn hinted(text: &str) -> String {
    let (shop, _) = shop_with("a.journey", text);
    let source = shop.source("a.journey").unwrap();
    let berlin = zone("Europe/Berlin").unwrap();
    let now = at_clock_time(Date::constant(2027, 3, 1), ClockTime::new(10, 0).unwrap(), &berlin);
    let mut text = text.to_owned();
    for hint in hints(&shop, source, 0..text.len(), now).into_iter().rev() {
        text.insert_str(hint.span.range().start, &format!("⟨{}⟩", hint.label));
    }
    text
}

#[test]
fn waits_say_when_they_end() {
    insta::assert_snapshot!(hinted(
        "journey a {
  enter on newsletter_signup
  stage one {
    wait 3 days
    wait until 09:00
    wait until monday 09:00
    wait 3 business days
    wait until 09:00 to 17:00 on monday to friday
    wait until 2027-06-01 09:00
    wait until today + 1 day at 18:00
    go to two
  }
  stage two {
    wait up to 1 week {
      on order_placed { wait 1 hour go to three }
      otherwise { wait 2 days end }
    }
    end
  }
  stage three {
    wait 1 day
    if contact.vip { wait 1 week } else { wait 2 weeks }
    wait 1 day
    wait until contact.birthday at 09:00
    wait 1 day
    end
  }
}"
    ));
}

#[test]
fn the_clock_is_that_of_the_journey() {
    let shown = hinted(
        "journey a { enter by request timezone \"America/New_York\" stage s { wait until 09:00 end } }",
    );
    assert!(shown.contains("09:00⟨entered now: until Mon 2027-03-01 09:00⟩"), "{shown}");
    let shown = hinted("journey a { enter by request stage s { wait until 09:00 end } }");
    assert!(shown.contains("09:00⟨entered now: until Tue 2027-03-02 09:00⟩"), "{shown}");
}

#[test]
fn a_circle_ends() {
    let shown = hinted(
        "journey a { enter by request stage s { wait 1 day go to t } stage t { wait 1 day go to s } }",
    );
    assert!(shown.contains("⟨entered now: until Wed 2027-03-03 10:00⟩"), "{shown}");
}
