use serde_json::json;

use super::chance::Chance;
use crate::domain::Attributes;
use crate::store::{ImportRow, Result, Store};
use crate::time::Moment;

/// How many rows are imported at once.
const BATCH: usize = 1_000;
/// Where the permissions of the first contacts come from.
const SOURCE: &str = "made up for the demonstration";

const FIRST_NAMES: [&str; 40] = [
    "Ada", "Anton", "Bea", "Ben", "Carla", "Cem", "Clara", "David", "Dora", "Elif", "Emil", "Emma", "Felix",
    "Finn", "Greta", "Hannah", "Ida", "Jakob", "Jana", "Jonas", "Karim", "Lara", "Lea", "Leon", "Lina",
    "Luca", "Mara", "Max", "Mia", "Milan", "Nele", "Noah", "Olga", "Paul", "Rosa", "Samir", "Sophie", "Theo",
    "Urs", "Zoe",
];
const LAST_NAMES: [&str; 30] = [
    "Amann", "Bauer", "Berger", "Brunner", "Egger", "Fischer", "Frei", "Fuchs", "Gruber", "Hofer", "Huber",
    "Keller", "Koch", "Lang", "Lehmann", "Maier", "Meier", "Moser", "Peters", "Pichler", "Reiter", "Roth",
    "Schmid", "Schulz", "Steiner", "Vogel", "Wagner", "Weber", "Winkler", "Wolf",
];
/// Domains that belong to nobody (RFC 2606).
const DOMAINS: [&str; 5] = ["example.org", "example.com", "example.net", "post.example", "garten.example"];
const COUNTRIES: [(&str, f64); 3] = [("DE", 0.55), ("AT", 0.72), ("CH", 0.88)];

/// What somebody does with mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// Nothing.
    Silent,
    /// Opens it.
    Reads,
    /// Opens it and looks at the offer.
    Looks,
    /// Buys at once what they like.
    Buys,
    /// Buys when they are reminded.
    BuysLate,
    /// Does not want it any more.
    Leaves,
}

const HABITS: [(Habit, f64); 6] = [
    (Habit::Silent, 0.30),
    (Habit::Reads, 0.48),
    (Habit::Looks, 0.66),
    (Habit::Buys, 0.84),
    (Habit::BuysLate, 0.94),
    (Habit::Leaves, 1.0),
];

/// Somebody made up: the same for a number every time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Person {
    pub(super) number: u32,
    pub(super) first_name: &'static str,
    pub(super) email: String,
    /// Where they live, if they have said so.
    pub(super) country: Option<&'static str>,
    pub(super) score: u32,
    /// Whether the newsletter is allowed.
    pub(super) allows: bool,
    pub(super) habit: Habit,
    /// Whether a scanner in front of the mailbox follows every link.
    pub(super) scanned: bool,
}

impl Person {
    /// The person of a number.
    pub(super) fn nth(number: u32) -> Self {
        let mut chance = Chance::of(number, "who");
        let first_name = chance.one_of(&FIRST_NAMES).copied().unwrap_or("Ada");
        let last_name = chance.one_of(&LAST_NAMES).copied().unwrap_or("Amann");
        let domain = chance.one_of(&DOMAINS).copied().unwrap_or("example.org");
        let email = format!("{first_name}.{last_name}{number}@{domain}").to_lowercase();
        let hot = chance.happens(0.25);
        let score = chance.one_of(&[5, 10, 20, 30]).copied().unwrap_or(5) + if hot { 40 } else { 0 };
        Self {
            number,
            first_name,
            email,
            country: by_share(&COUNTRIES, chance.share()),
            score,
            allows: chance.happens(0.94),
            habit: by_share(&HABITS, chance.share()).unwrap_or(Habit::Silent),
            scanned: chance.happens(0.08),
        }
    }

    /// The person that an address belongs to.
    pub(super) fn of_address(address: &str) -> Option<Self> {
        let (local, _) = address.split_once('@')?;
        let digits = local.trim_start_matches(|c: char| !c.is_ascii_digit());
        let person = Self::nth(digits.parse().ok()?);
        (person.email == address).then_some(person)
    }

    /// What the shop calls them.
    pub(super) fn external_id(&self) -> String {
        format!("customer-{}", self.number)
    }

    /// What is known of them.
    pub(super) fn attributes(&self) -> Attributes {
        let mut known = Attributes::new();
        known.insert("first_name".to_owned(), self.first_name.into());
        known.insert("score".to_owned(), self.score.into());
        if let Some(country) = self.country {
            known.insert("country".to_owned(), country.into());
        }
        known
    }

    fn row(&self) -> ImportRow {
        ImportRow {
            external_id: Some(self.external_id()),
            email: self.email.parse().ok(),
            attributes: self.attributes(),
            allows: if self.allows { vec![("newsletter".to_owned(), true)] } else { Vec::new() },
            source: SOURCE.to_owned(),
            ..ImportRow::default()
        }
    }

    /// What somebody who signs up anew says of themselves.
    pub(super) fn traits(&self) -> serde_json::Value {
        let mut traits = self.attributes();
        traits.insert("email".to_owned(), self.email.as_str().into());
        json!(traits)
    }
}

/// The first thing whose upper bound is beyond a share.
fn by_share<T: Copy>(things: &[(T, f64)], share: f64) -> Option<T> {
    things.iter().find(|(_, bound)| share < *bound).map(|(thing, _)| *thing)
}

/// Imports the first contacts.
pub(super) async fn import(store: &dyn Store, contacts: u32, now: Moment) -> Result<()> {
    let rows: Vec<ImportRow> = (0..contacts).map(|number| Person::nth(number).row()).collect();
    for rows in rows.chunks(BATCH) {
        let mut unit = store.write().await?;
        unit.import(rows.to_vec(), now).await?;
        unit.commit().await?;
    }
    Ok(())
}
