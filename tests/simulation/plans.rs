//! The journeys of the simulation, in two versions.

use lotse::language::check::{Checked, Deployment, check};
use lotse::source::{Sources, WorkspaceFiles};

const DECLARED: &str = r#"
event signup { }
event cart { cart_id text }
event purchase { total number }
event demo { }
event visit { }
topic news "News"
topic account "Orders" essential
email hello   { topic news     from m subject "Hi"     body "Hi {{ unsubscribe_url }}" }
email again   { topic news     from m subject "Hi"     body "Hi {{ unsubscribe_url }}" }
email receipt { topic account  from m subject "Thanks" body "Thank you" }
sms ping      { topic news     text "Hi" }
"#;

const JOURNEYS: &str = r#"
journey welcome {
  enter on signup
  reenter after 3 hours
  permission news
  goal buy on purchase within 1 day worth event.total
  leave on goal
  control 20%
  on change move
  stage first {
    send email hello
    wait up to MINUTES minutes {
      on opened hello { tag "reader" go to second }
      on visit        { go to second }
      otherwise       { go to second }
    }
  }
  stage second {
    experiment subject {
      variant a 50% { send email again }
      variant b 50% { send sms ping }
    }
    wait 3 hours
    end as quiet
  }
}

journey cart {
  enter on cart per event.cart_id
  reenter always
  permission news
  goal buy on purchase within 6 hours
  stage waiting {
    wait 20 minutes
    send first of { sms ping  email again }
    wait up to 2 hours {
      on purchase { end as bought }
      otherwise   { end as left }
    }
  }
}

journey lead {
  enter on demo
  reenter after 1 hour
  goal buy on purchase within 1 day
  stage sales {
    hand off to sales and wait up to 4 hours {
      on accepted { tag "theirs" }
      on rejected { refuse news }
      otherwise   { call erp with { what "late" } }
    }
    end
  }
}

journey orders {
  enter on purchase
  reenter always
  goal again on purchase within 2 hours
  stage paid {
    call erp with { total entry.total } and wait up to 1 hour {
      on reply  { record visit }
      otherwise { }
    }
    send email receipt
    end
  }
}

journey silent {
  enter after 5 hours without visit
  reenter after 8 hours
  permission news
  goal buy on purchase within 6 hours
  stage reminded {
    send email again at best time within 2 hours
    wait 30 minutes
    end
  }
}
"#;

pub struct Journeys {
    first: (Checked, WorkspaceFiles),
    second: (Checked, WorkspaceFiles),
}

impl Journeys {
    /// `unsure` says what becomes of mails whose hand-over nobody can prove.
    pub fn new(unsure: &str) -> Self {
        let policy = |cap: &str| {
            format!(
                "policy {{\n  quiet 22:00 to 07:00\n  cap email {cap} per 12 hours then wait up to 1 day\n  \
                holdout 5%\n  late 12 hours\n  unsure {unsure}\n}}\n"
            )
        };
        let first = checked(&[DECLARED, &policy("2"), &JOURNEYS.replace("MINUTES", "45")].concat());
        let second = checked(&[DECLARED, &policy("3"), &JOURNEYS.replace("MINUTES", "90")].concat());
        Self { first, second }
    }

    pub fn first(&self) -> (&Checked, &Sources) {
        (&self.first.0, &self.first.1.sources)
    }

    pub fn other(&self) -> (&Checked, &Sources) {
        (&self.second.0, &self.second.1.sources)
    }
}

fn checked(text: &str) -> (Checked, WorkspaceFiles) {
    let files = WorkspaceFiles::from_texts([("a.journey", text)]);
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let deployment = Deployment {
        senders: names(&["m"]),
        channels: [("sms".to_owned(), "phone".to_owned())].into(),
        webhooks: names(&["erp"]),
        teams: [("sales".to_owned(), Vec::new())].into(),
        deaf: names(&[]),
    };
    let checked = check(&files, Some(&deployment));
    assert!(!checked.has_errors(), "{:#?}", checked.findings);
    (checked, files)
}
