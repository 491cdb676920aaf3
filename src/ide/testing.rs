//! A small shop for the tests of what leads its author.

use super::Analysis;
use crate::source::WorkspaceFiles;

pub(super) const CONFIG: &str = "workspace: shop\ntimezone: Europe/Berlin\nsenders:\n  marketing:\n    from: Shop <shop@example.com>\nchannels:\n  sms:\n    url: http://127.0.0.1:9/\nwebhooks:\n  erp:\n    url: http://127.0.0.1:9/erp\nteams:\n  sales:\n    url: http://127.0.0.1:9/leads\n    email: sales@example.com\n";

pub(super) const SHOP: &str = r#"contact {
  first_name   text
  country      text one of ["DE", "AT", "CH"]
  birthday     date
  renewal_date date
  score        number = 0
  vip          boolean = false
  interests    list of text
}

event newsletter_signup { source text }

event order_placed "Order Completed" {
  order_id text
  total    number
}

topic newsletter "News and offers"
topic account "About your orders" essential

measure last_order = last(order_placed)
segment regulars = count(order_placed in last 365 days) >= 3 and last_order is set

survey satisfaction "How likely are you to recommend us?" {
  scale   0 to 10
  comment "What could we do better?"
}

email welcome {
  topic   newsletter
  from    marketing
  subject "Welcome, {{ contact.first_name | default('friend') }}"
  body    """
    Good to see you. How do we do? {{ survey_url("satisfaction") }}
    No more of this: {{ unsubscribe_url }}
    """
}

email receipt {
  topic    account
  from     marketing
  subject  "Your order"
  template "emails/receipt.mjml"
}

sms parcel { topic account  text "Your parcel arrives today." }

journey greeting "Greets those who sign up" {
  owner      "crm@example.com"
  enter      on newsletter_signup
  permission newsletter
  goal       purchase on order_placed within 30 days worth event.total
  control    10%

  stage first {
    send email welcome
    wait up to 3 days {
      on clicked welcome { go to second }
      otherwise          { end as no_reaction }
    }
  }

  stage second {
    tag "interested"
    wait until monday 09:00
    send email receipt
    end as done_well
  }
}

journey other {
  enter by request
  stage only { end }
}
"#;

pub(super) const RECEIPT: &str = "<mjml><mj-body><mj-section><mj-column><mj-text>Thank you {{ contact.first_name | default('') }}</mj-text></mj-column></mj-section></mj-body></mjml>\n";

/// The shop, with one more file in which a `¦` says where the author is.
pub(super) fn shop_with(path: &str, text: &str) -> (Analysis, usize) {
    let offset = text.find('¦').unwrap_or(text.len());
    let text = text.replacen('¦', "", 1);
    let mut texts = vec![("emails/receipt.mjml", RECEIPT), ("lotse.yaml", CONFIG), ("shop.journey", SHOP)];
    texts.retain(|(known, _)| *known != path);
    texts.push((path, &text));
    (Analysis::of(WorkspaceFiles::from_texts(texts)), offset)
}
