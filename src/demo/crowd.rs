use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;

use super::chance::Chance;
use super::person::{Habit, Person};
use super::summary::Deeds;
use super::web::Web;
use crate::inbox::{Inbox, Mail};
use crate::time::{Clock, Moment};

/// One of so many contacts signs up at once.
const AT_ONCE: u32 = 12;
/// Within what time those sign up, and within what time all of the first contacts do, in hours.
const AT_ONCE_HOURS: f64 = 2.0;
const ALL_HOURS: f64 = 130.0;
/// How long after each other new people sign up then, in hours.
const NEXT_HOURS: f64 = 6.0;
const HOUR_MICROS: f64 = 3_600_000_000.0;

/// What the shop sells. An order below 20 reaches no goal.
const PRODUCTS: [(&str, f64); 6] = [
    ("Tulip bulbs", 24.90),
    ("Herb seeds", 12.50),
    ("Climbing rose", 39.00),
    ("Terracotta pots", 56.80),
    ("Raised bed", 129.00),
    ("Meadow mix", 21.40),
];
const SOURCES: [&str; 4] = ["website", "fair", "shop", "friend"];

/// The people: they sign up, and live with the mail they get.
pub(super) struct Crowd {
    clock: Arc<dyn Clock>,
    web: Web,
    inbox: Inbox,
    deeds: Arc<Deeds>,
    begin: Moment,
    contacts: u32,
}

/// What a mail of the sample is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Letter {
    Intro,
    Reminder,
    Thanks,
}

impl Letter {
    /// What a subject tells.
    pub(super) fn of_subject(subject: &str) -> Self {
        match subject {
            _ if subject.starts_with("Thank you") => Letter::Thanks,
            _ if subject.starts_with("Only until") => Letter::Reminder,
            _ => Letter::Intro,
        }
    }
}

impl Crowd {
    /// `contacts` people are known already at `begin`; further ones are new.
    pub(super) fn new(
        clock: Arc<dyn Clock>,
        web: Web,
        inbox: Inbox,
        deeds: Arc<Deeds>,
        begin: Moment,
        contacts: u32,
    ) -> Arc<Self> {
        Arc::new(Self { clock, web, inbox, deeds, begin, contacts })
    }

    /// Lives for ever; dropped, everybody stops where they are.
    pub(super) async fn live(self: Arc<Self>) {
        let mut lives = JoinSet::new();
        let mut counts = self.inbox.counts();
        let (mut number, mut seen) = (0, 0);
        loop {
            tokio::select! {
                () = self.until(self.signs_up_at(number)) => {
                    let person = Person::nth(number);
                    lives.spawn(Arc::clone(&self).sign_up(person));
                    number += 1;
                }
                Ok(()) = counts.changed() => {
                    for mail in self.inbox.mails_after(seen) {
                        seen = mail.id;
                        lives.spawn(Arc::clone(&self).receive(mail));
                    }
                }
                Some(_) = lives.join_next() => {}
            }
        }
    }

    fn signs_up_at(&self, number: u32) -> Moment {
        let (number, contacts) = (f64::from(number), f64::from(self.contacts));
        let first = (contacts / f64::from(AT_ONCE)).ceil();
        let hours = if number < first {
            number / first * AT_ONCE_HOURS
        } else if number < contacts {
            AT_ONCE_HOURS + (number - first) / (contacts - first) * (ALL_HOURS - AT_ONCE_HOURS)
        } else {
            ALL_HOURS + (number - contacts) * NEXT_HOURS
        };
        #[expect(clippy::cast_possible_truncation, reason = "hours are few")]
        self.begin.plus_micros((hours * HOUR_MICROS) as i64)
    }

    async fn until(&self, moment: Moment) {
        tokio::time::sleep(Duration::from_micros(self.clock.micros_until(moment))).await;
    }

    async fn after(&self, micros: i64) {
        self.until(self.clock.now().plus_micros(micros)).await;
    }

    /// Somebody signs up for the newsletter. Some buy later without any mail.
    async fn sign_up(self: Arc<Self>, person: Person) {
        let id = person.external_id();
        if person.number >= self.contacts {
            let identify =
                json!({ "userId": id, "traits": person.traits(), "messageId": format!("{id} identify") });
            let known = self.web.tell("/v1/identify", &identify).await;
            if !known || person.allows && !self.web.allow(&id, "newsletter").await {
                return;
            }
        }
        let mut chance = Chance::of(person.number, "sign up");
        let source = chance.one_of(&SOURCES).copied().unwrap_or("website");
        let sign_up = json!({
            "userId": id,
            "event": "newsletter_signup",
            "messageId": format!("{id} sign-up"),
            "properties": { "source": source },
        });
        self.web.tell("/v1/track", &sign_up).await;
        if chance.happens(0.06) {
            self.after(chance.hours(12.0, 120.0)).await;
            self.buy(&person, &mut chance).await;
        }
    }

    /// Somebody gets a mail.
    async fn receive(self: Arc<Self>, mail: Arc<Mail>) {
        let Some(person) = mail.recipients.first().and_then(|to| Person::of_address(to)) else { return };
        let html = mail.html.as_deref().unwrap_or_default();
        let image = links(html, "/o/").into_iter().next();
        let offers = links(html, "/c/");
        if person.scanned {
            for link in &offers {
                if self.web.scan(link).await {
                    self.deeds.scans.add();
                }
            }
        }
        let letter = Letter::of_subject(&mail.subject);
        let mut chance = Chance::of(person.number, &mail.subject);
        let opens = match (letter, person.habit) {
            (Letter::Thanks, _) => chance.happens(0.7),
            (_, Habit::Silent) => false,
            (Letter::Intro, Habit::BuysLate) => false,
            (Letter::Reminder, Habit::Reads) => chance.happens(0.5),
            _ => true,
        };
        let Some(image) = image.filter(|_| opens) else { return };
        self.after(chance.hours(1.0, 30.0)).await;
        if self.web.visit(&image).await {
            self.deeds.opens.add();
        }
        if letter == Letter::Thanks {
            return;
        }
        self.after(chance.hours(0.1, 1.5)).await;
        match person.habit {
            Habit::Leaves => self.unsubscribe(&mail).await,
            Habit::Looks | Habit::Buys | Habit::BuysLate => {
                let Some(offer) = chance.one_of(&offers) else { return };
                if self.web.visit(offer).await {
                    self.deeds.clicks.add();
                }
                if person.habit != Habit::Looks {
                    self.after(chance.hours(2.0, 24.0)).await;
                    self.buy(&person, &mut chance).await;
                }
            }
            Habit::Silent | Habit::Reads => {}
        }
    }

    async fn buy(&self, person: &Person, chance: &mut Chance) {
        let Some((product, total)) = chance.one_of(&PRODUCTS) else { return };
        let id = person.external_id();
        let order_id = format!("{}-{}", person.number, self.clock.now().micros() / 1_000_000);
        let order = json!({
            "userId": id,
            "event": "Order Completed",
            "messageId": order_id,
            "properties": { "order_id": order_id, "total": total, "product": product },
        });
        if self.web.tell("/v1/track", &order).await {
            self.deeds.orders.add();
        }
    }

    /// Unsubscribes the way a mail program does at one click (RFC 8058).
    async fn unsubscribe(&self, mail: &Mail) {
        let header = mail.header("List-Unsubscribe").unwrap_or_default();
        let mut urls = header.split(['<', '>']).filter(|part| part.starts_with("http"));
        let Some(url) = urls.next() else { return };
        if self.web.press(url, "List-Unsubscribe=One-Click").await {
            self.deeds.unsubscribes.add();
        }
    }
}

/// The addresses in an HTML text that have a path, each once.
pub(super) fn links(html: &str, path: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for part in html.split('"').filter(|part| part.starts_with("http") && part.contains(path)) {
        if !found.iter().any(|known| known == part) {
            found.push(part.to_owned());
        }
    }
    found
}
