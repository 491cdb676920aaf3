use super::*;
use crate::language::check::check;
use crate::source::WorkspaceFiles;

const JOURNEY: &str = r#"
event signup { }
event bought { total number }
topic account "Orders" essential
email hello { topic account from m subject "Hi" body "Hi" }
journey j "A journey" {
  enter on signup where contact.email is set
  goal sale on bought within 30 days
  control 10%
  stage first {
    send email hello otherwise { end as unreached }   # a remark
    wait up to 3 days {
      on clicked hello { go to second }
      on bought where event.total > 5 { tag "customer" go to second }
      otherwise { end as silent }
    }
  }
  stage second {
    if contact.email == "a" { wait 1 day } else if contact.phone is set { end } else { }
    end
  }
}
"#;

fn draw(with: fn(&Outline) -> String) -> String {
    let files = WorkspaceFiles::from_texts([("a.journey", JOURNEY)]);
    let checked = check(&files, None);
    with(&Outline::of(&checked.model.journeys[0], &files.sources).unwrap())
}

#[test]
fn text_shows_what_happens_and_where_it_leads() {
    insta::assert_snapshot!(draw(text), @r#"
    j · A journey
      enter on signup where contact.email is set
      goal sale within 30 days
      control 10%

    ■ first
      send email hello
      └─ if it is not sent ● unreached
      wait up to 3 days
      ├─ clicked hello → second
      ├─ bought where event.total > 5
      │  tag "customer"
      │  → second
      └─ otherwise ● silent

    ■ second
      ├─ if contact.email == "a"
      │  wait 1 day
      ├─ else if contact.phone is set ● done
      └─ else → on
      ● done
    "#);
}

#[test]
fn mermaid_draws_stages_and_ways() {
    insta::assert_snapshot!(draw(mermaid), @r#"
    flowchart TD
      s0["<b>first</b><br/>send email hello<br/>wait up to 3 days<br/>tag #quot;customer#quot;"]
      s1["<b>second</b><br/>wait 1 day"]
      e0(["enter on signup where contact.email is set"]) --> s0
      s0 -->|"if it is not sent"| o_unreached
      s0 -->|"clicked hello"| s1
      s0 -->|"bought where event.total &gt; 5"| s1
      s0 -->|"otherwise"| o_silent
      s1 -->|"else if contact.phone is set"| o_done
      s1 --> o_done
      o_done(("done"))
      o_silent(("silent"))
      o_unreached(("unreached"))
    "#);
}
