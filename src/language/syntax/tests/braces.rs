use super::read;

/// Every kind of block, as people lay them out.
const SAMPLE: &str = r#"contact {
  first_name text
  vip        boolean
}

event signed_up {
  source text
}

event bought "Order Completed" {
  total number   # with taxes
}

topic news "News"

survey happy "How likely?" {
  scale 0 to 10
}

email hello {
  topic   news
  from    shop
  subject "Hello {{ contact.first_name }}"
  utm {
    campaign "hello"
  }
}

sms parcel {
  topic news
  text  "Today"
}

policy {
  quiet 21:00 to 08:00
}

journey welcome "Welcome" {
  enter   on signed_up
  goal    purchase on bought
  control 10%

  stage first {
    send email hello with {
      code "a"
    }
    wait up to 3 days {
      on clicked hello {
        go to second
      }
      otherwise {
        end as silent
      }
    }
  }

  stage second {
    if contact.vip {
      tag "vip"
    } else if contact.first_name is set {
      tag "named"
    } else {
      tag "other"
    }
    repeat up to 3 times {
      send first of {
        email hello
        sms parcel
      }
      wait 1 day
    }
    experiment timing {
      variant a 50% {
        wait 1 day
      }
      variant b 50% {
        wait 2 days
      }
    }
    call erp and wait up to 1 hour {
      on reply {
        tag "answered"
      }
      otherwise {
      }
    }
    end
  }
}

test "a click leads on" for welcome {
  contact {
    email "ada@example.org"
  }
  at 2027-03-01 10:00 event signed_up {
    source "fair"
  }
  expect email hello
}

event cancelled {
  reason text
}

journey other {
  enter by request
  stage only {
    end
  }
}
"#;

/// What is said of a text, and the text with every change that is offered.
fn mended(text: &str) -> (Vec<String>, String) {
    let (_, parsed) = read(text);
    let said = parsed.findings.iter().map(|finding| finding.message.clone()).collect();
    let mut edits: Vec<_> = parsed.findings.iter().filter_map(|finding| finding.edit.clone()).collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.span));
    let mut mended = text.to_owned();
    for edit in edits {
        mended.replace_range(edit.span.range(), &edit.replacement);
    }
    (said, mended)
}

#[test]
fn one_missing_brace_is_one_message_and_can_be_put_back() {
    assert_eq!(read(SAMPLE).1.findings, []);
    let mut wrong = Vec::new();
    for (at, _) in SAMPLE
        .match_indices('}')
        .filter(|(at, _)| !SAMPLE[..=*at].ends_with("}}") && !SAMPLE[*at..].starts_with("}}"))
    {
        let text = format!("{}{}", &SAMPLE[..at], &SAMPLE[at + 1..]);
        let line = SAMPLE[..at].matches('\n').count() + 1;
        let (said, mended) = mended(&text);
        if said.len() != 1 || !read(&mended).1.findings.is_empty() {
            wrong.push(format!("line {line}: {said:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_block_that_is_never_closed_ends_where_something_begins_that_cannot_stand_inside() {
    for (text, expected) in [
        ("event a { source text\nevent b { total number }\n", 1),
        ("event a {\n  source text\n\nevent b {\n  total number\n}\n", 1),
        ("event a {\n\nevent b {\n  total number\n}\n", 1),
        ("event a {\n  source text\n\ncontact {\n  vip boolean\n}\n", 1),
        ("event a {\n  source text\n\ntopic b \"c\"\ntopic d \"e\"\n", 1),
        ("event a {\n  source text\n\nsms b {\n  topic c\n  text \"d\"\n}\n", 1),
        ("event a {\n  source text\n\nemail b {\n  topic c\n  subject \"d\"\n}\n", 1),
        ("email a {\n  topic b\n  subject \"c\"\n\nevent d {\n  e text\n}\n", 1),
        ("email a {\n  topic b\n  subject \"c\"\n\ntopic d \"e\"\n", 1),
        (
            "contact {\n  a text\n\nevent b {\n  c text\n}\nevent d {\n  e text\n}\njourney f {\n  enter on b\n  stage s { end }\n}\n",
            1,
        ),
        ("journey a {\n  enter on b\n  stage s {\n    end\n\nevent b {\n  c text\n}\n", 2),
        ("journey a {\n  enter on b\n  stage s {\n    end\n}\n\nevent b {\n  c text\n}\n", 1),
        ("journey a {\n  enter on b\n\nstage s {\n  end\n}\n", 1),
    ] {
        let (said, mended) = mended(text);
        assert_eq!(said.len(), expected, "{text}\n{said:#?}");
        assert!(
            read(&mended).1.findings.is_empty(),
            "{text}\nbecomes\n{mended}\n{:#?}",
            read(&mended).1.findings
        );
    }
}

/// Events of tests look like those that are declared, and their values like types.
#[test]
fn what_looks_like_a_declaration_and_can_stand_there_stays() {
    for text in [
        "test \"a\" for b {\ncontact { email \"a@b.example\" }\nat 2027-03-01 event c { total 5 }\nevent c { }\nevent c\n}\n",
        "journey a { stage contact { record text { text \"a\" }\nrecord b { text \"c\" title \"d\" } start c with { text \"d\" } end } }",
        "journey a { stage s { wait up to 1 day { on replied email { end }\non\nclicked welcome { end } } end } }",
        "event a { contact text event text topic text email text }",
        "contact { event text topic text journey text }",
    ] {
        assert_eq!(read(text).1.findings, [], "{text}");
    }
}
