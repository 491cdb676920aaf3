use anyhow::{Context, bail};

use super::args::BenchArgs;
use super::workspace::block_on;
use super::{End, output};
use crate::bench::{Backlog, Figure, Place, Result, Scratch, TurnsBench, hits, intake, mail, turns};
use crate::config::{Database, Environment, ProcessEnvironment};
use crate::track::HitKind;

/// Events that come in for each contact.
const EVENTS_EACH: u32 = 2;
/// Turns of a contact for each mail: the one that decides it, and the one behind the wait that follows.
const TURNS_A_MAIL: f64 = 2.0;
const DAY_SECONDS: f64 = 86_400.0;

pub(super) fn run(args: &BenchArgs, dir: &std::path::Path) -> anyhow::Result<End> {
    let place = place(&args.database, &ProcessEnvironment::new(dir))?;
    block_on(async {
        let mut figures = Vec::new();
        for number in 0..4 {
            let scratch = Scratch::new(place.clone()).await?;
            if number == 0 {
                tell_where(&scratch).await?;
            }
            let measured = measure(number, &scratch, args.contacts).await;
            // What was made is taken away also where measuring failed.
            scratch.end().await?;
            figures.push(measured?);
        }
        show(&figures, args.mails_a_day);
        Ok(End::Good)
    })
}

async fn measure(number: u32, scratch: &Scratch, contacts: u32) -> Result<Figure> {
    match number {
        0 => {
            let at_once = if scratch.is_shared() { 2 } else { 1 };
            let bench = TurnsBench { people: contacts, at_once, backlog: Backlog::default(), floor: true };
            turns(scratch, bench).await
        }
        1 => intake(scratch, contacts, EVENTS_EACH).await,
        2 => mail(scratch, contacts).await,
        _ => hits(scratch, HitKind::Open, contacts).await,
    }
}

/// What is named on the command line; a password need not stand there.
fn place(text: &str, environment: &dyn Environment) -> anyhow::Result<Place> {
    let text = match text.strip_prefix("env:") {
        Some(name) => {
            environment.variable(name).with_context(|| format!("the variable {name} is not set"))?
        }
        None => text.to_owned(),
    };
    match text.trim().parse() {
        Ok(Database::Sqlite(path)) => Ok(Place::Sqlite(path)),
        Ok(Database::Postgres(url)) => Ok(Place::Postgres(url)),
        Err(_) => bail!(
            "`--database` is `sqlite://scratch.db`, a file that is not there yet, or \
            `postgres://user:password@host/name`, a database without tables, or `env:NAME`"
        ),
    }
}

async fn tell_where(scratch: &Scratch) -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches(|c: char| c.is_whitespace() || c == ':');
    let version = env!("CARGO_PKG_VERSION");
    anstream::println!("lotse {version} with {}, on {cores} cores {model}\n", scratch.version().await?);
    Ok(())
}

fn show(figures: &[Figure], mails_a_day: Option<u64>) {
    let row = |figure: &Figure| {
        vec![
            figure.what.clone(),
            format!("{:.0} {}", figure.reached, figure.unit),
            format!("{:.0}", figure.floor),
            format!("{:.2}", figure.ratio()),
        ]
    };
    output::table(
        &["", "Lotse", "a program that does nothing else", "ratio"],
        &figures.iter().map(row).collect::<Vec<_>>(),
    );
    let [turns, _, mails, ..] = figures else { return };
    let contacts = turns.reached / 4.0;
    anstream::println!(
        "\nthis machine carries {contacts:.0} contacts/s through a journey of an entry and three waits, and {:.0} \
        mails/s of 10 KB into a server that takes them at once",
        mails.reached
    );
    if let Some(mails_a_day) = mails_a_day {
        #[expect(clippy::cast_precision_loss, reason = "a share is read by people")]
        let busy = mails_a_day as f64 * (1.0 / mails.reached + TURNS_A_MAIL / turns.reached);
        anstream::println!(
            "{mails_a_day} mails a day, each with two turns, keep it busy for {:.1} % of the day; the mail server \
            they go to is the limit long before that, as a rule",
            100.0 * busy / DAY_SECONDS
        );
    }
}
