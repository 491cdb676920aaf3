use std::process::{Command, Stdio};
use std::time::Duration;

use super::args::DemoArgs;
use super::run::told_to_stop;
use super::workspace::block_on;
use super::{End, log};
use crate::demo::{Demo, Settings};

pub(super) fn run(args: &DemoArgs) -> anyhow::Result<End> {
    let _log = log::begin(&args.log, args.log_format)?;
    block_on(async {
        let settings = Settings { listen: args.listen, contacts: args.contacts, speed: args.speed };
        let demo = Demo::start(settings).await?;
        introduce(args, demo.url());
        if !args.no_open {
            open(demo.url());
        }
        match args.seconds {
            None => told_to_stop().await,
            Some(seconds) => {
                let _ = tokio::time::timeout(Duration::from_secs(seconds), told_to_stop()).await;
            }
        }
        anstream::println!("ending: what has begun is carried to its end\n");
        let summary = demo.end().await?;
        anstream::println!("{summary}");
        Ok(End::Good)
    })
}

fn introduce(args: &DemoArgs, url: &str) {
    anstream::println!("Lotse is at work: {url}\n");
    anstream::println!(
        "  {} made-up contacts sign up for the newsletter of a garden shop and go through the journey\n  \
        `spring_sale`; simulated people open, click, buy, unsubscribe or stay silent. One second is {}\n  \
        for them. All of it is on this machine, in a temporary folder, and no mail leaves it.\n",
        args.contacts,
        pace(args.speed)
    );
    let end = args.seconds.map_or(String::new(), |seconds| format!(", or by itself after {seconds} seconds"));
    anstream::println!("  It ends with Ctrl-C{end}.\n");
}

fn pace(speed: u32) -> String {
    let (length, unit) = match speed {
        3_600.. => (f64::from(speed) / 3_600.0, "hours"),
        60.. => (f64::from(speed) / 60.0, "minutes"),
        _ => (f64::from(speed), "seconds"),
    };
    format!("{} {unit}", (length * 10.0).round() / 10.0)
}

/// Opens a page in the browser where there is a screen. It is printed in any case, so failing is no harm.
fn open(url: &str) {
    let opener = match std::env::consts::OS {
        "macos" => ("open", [].as_slice()),
        "windows" => ("cmd", ["/C", "start", ""].as_slice()),
        _ if ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some()) => {
            ("xdg-open", [].as_slice())
        }
        _ => return,
    };
    let (program, arguments) = opener;
    let mut command = Command::new(program);
    command.args(arguments).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _ = command.spawn();
}
