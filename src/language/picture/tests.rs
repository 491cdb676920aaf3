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
      goal sale on bought within 30 days
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
      ◇ if contact.email == "a"
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
      n0(["enter on signup where contact.email is set"])
      n1["<b>first</b><br/>send email hello<br/>wait up to 3 days<br/>&nbsp;&nbsp;bought where event.total &gt; 5:<br/>&nbsp;&nbsp;&nbsp;&nbsp;tag #quot;customer#quot;"]
      n2["<b>second</b><br/>if contact.email == #quot;a#quot;:<br/>&nbsp;&nbsp;wait 1 day"]
      n3(("unreached"))
      n4(("silent"))
      n5(("done"))
      n0 --> n1
      n1 -->|"if it is not sent"| n3
      n1 -->|"clicked hello<br/>bought where event.total &gt; 5"| n2
      n1 -->|"otherwise"| n4
      n2 -->|"else if contact.phone is set<br/>at its end"| n5
    "#);
}

/// Every statement of the language, and names that pictures must escape.
const EVERYTHING: &str = r##"
event signup { source text }
event bought { total number }
topic account "Orders" essential
email hello { topic account from m subject "Hi" body "Hi" }
sms ping { topic account text "Hi" }
journey everything "A & <B> \"C\" `D` #E" {
  enter on signup
  enter when contact.email is set backfill into second
  leave when contact.email == "a&b"
  on change move
  stage first {
    send first of { sms ping  email hello to "a@example.com" } otherwise { alert sales "{{ contact.email }} #1" }
    send email hello with { a 1 } at best time within 12 hours
    call erp with { a 1 } and wait up to 1 hour { on reply where reply.ok == true { } otherwise { end as mute } }
    hand off to sales with { a 1 }
    wait 3 business days
    wait until 09:00 to 17:00 on monday to friday
    experiment offer {
      variant a 50% { tag "a" go to second }
      variant b 50% { untag "a" }
      pick by bought after 3 days
    }
    repeat up to 3 times {
      wait up to 1 day { on bought { stop } otherwise { } }
      if contact.phone is set { go to first }
    }
    allow account refuse account record bought { total 1 } start other clear contact.phone
    end
  }
  stage second {
    set contact.phone = "1"
    end
  }
}
"##;

fn everything(with: fn(&Outline) -> String) -> String {
    let files = WorkspaceFiles::from_texts([("a.journey", EVERYTHING)]);
    let checked = check(&files, None);
    let parsed = crate::language::syntax::parse(files.journeys[0], EVERYTHING);
    assert!(parsed.findings.is_empty(), "{:#?}", parsed.findings);
    with(&Outline::of(&checked.model.journeys[0], &files.sources).unwrap())
}

#[test]
fn every_statement_is_drawn() {
    insta::assert_snapshot!(everything(text), @r#"
    everything · A & <B> "C" `D` #E
      enter on signup
      enter when contact.email is set backfill into second
      leave when contact.email == "a&b"
      on change move

    ■ first
      send first of sms ping, email hello to "a@example.com"
      └─ if it is not sent
         alert sales "{{ contact.email }} #1"
      send email hello at best time within 12 hours
      call erp and wait up to 1 hour
      ├─ reply where reply.ok == true → on
      └─ otherwise ● mute
      hand off to sales
      wait 3 business days
      wait until 09:00 to 17:00 on monday to friday
      experiment offer, pick by bought after 3 days
      ├─ variant a 50%
      │  tag "a"
      │  → second
      └─ variant b 50%
         untag "a"
      repeat up to 3 times
      └─ each time
         wait up to 1 day
         ├─ bought → out of the loop
         └─ otherwise → on
         ◇ if contact.phone is set → first
      allow account
      refuse account
      record bought
      start other
      clear contact.phone
      ● done

    ■ second
      set contact.phone = "1"
      ● done
    "#);
}

#[test]
fn what_authors_write_is_escaped() {
    insta::assert_snapshot!(everything(mermaid), @r#"
    flowchart TD
      n0(["enter on signup"])
      n1(["enter when contact.email is set backfill into second"])
      n2["<b>first</b><br/>send first of sms ping, email hello to #quot;a@example.com#quot;<br/>&nbsp;&nbsp;if it is not sent:<br/>&nbsp;&nbsp;&nbsp;&nbsp;alert sales #quot;{{ contact.email }} #35;1#quot;<br/>send email hello at best time within 12 hours<br/>call erp and wait up to 1 hour<br/>hand off to sales<br/>wait 3 business days<br/>wait until 09:00 to 17:00 on monday to friday<br/>experiment offer, pick by bought after 3 days<br/>&nbsp;&nbsp;variant a 50%:<br/>&nbsp;&nbsp;&nbsp;&nbsp;tag #quot;a#quot;<br/>&nbsp;&nbsp;variant b 50%:<br/>&nbsp;&nbsp;&nbsp;&nbsp;untag #quot;a#quot;<br/>repeat up to 3 times<br/>&nbsp;&nbsp;each time:<br/>&nbsp;&nbsp;&nbsp;&nbsp;wait up to 1 day<br/>&nbsp;&nbsp;&nbsp;&nbsp;&nbsp;&nbsp;bought:<br/>&nbsp;&nbsp;&nbsp;&nbsp;&nbsp;&nbsp;&nbsp;&nbsp;stop<br/>allow account<br/>refuse account<br/>record bought<br/>start other<br/>clear contact.phone"]
      n3["<b>second</b><br/>set contact.phone = #quot;1#quot;"]
      n4(("mute"))
      n5(("done"))
      n0 --> n2
      n1 --> n3
      n2 -->|"otherwise"| n4
      n2 -->|"variant a 50%"| n3
      n2 -->|"if contact.phone is set"| n2
      n2 --> n5
      n3 --> n5
    "#);
    insta::assert_snapshot!(everything(dot), @r#"
    digraph "everything" {
      graph [rankdir=TB, fontname="sans-serif"]
      node [shape=box, style=rounded, fontname="sans-serif", fontsize=11]
      edge [fontname="sans-serif", fontsize=10]
      n0 [shape=cds, style=solid, label="enter on signup"]
      n1 [shape=cds, style=solid, label="enter when contact.email is set backfill into second"]
      n2 [label="first\lsend first of sms ping, email hello to \"a@example.com\"\l  if it is not sent:\l    alert sales \"{{ contact.email }} #1\"\lsend email hello at best time within 12 hours\lcall erp and wait up to 1 hour\lhand off to sales\lwait 3 business days\lwait until 09:00 to 17:00 on monday to friday\lexperiment offer, pick by bought after 3 days\l  variant a 50%:\l    tag \"a\"\l  variant b 50%:\l    untag \"a\"\lrepeat up to 3 times\l  each time:\l    wait up to 1 day\l      bought:\l        stop\lallow account\lrefuse account\lrecord bought\lstart other\lclear contact.phone\l"]
      n3 [label="second\lset contact.phone = \"1\"\l"]
      n4 [shape=oval, style=solid, label="mute"]
      n5 [shape=oval, style=solid, label="done"]
      n0 -> n2
      n1 -> n3
      n2 -> n4 [label="otherwise\l"]
      n2 -> n3 [label="variant a 50%\l"]
      n2 -> n2 [label="if contact.phone is set\l"]
      n2 -> n5
      n3 -> n5
    }
    "#);
}
