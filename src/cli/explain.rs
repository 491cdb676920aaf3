use anyhow::bail;

use super::End;
use super::args::ExplainArgs;
use crate::finding::{Code, words};

pub(super) fn run(args: &ExplainArgs) -> anyhow::Result<End> {
    let Ok(code) = args.code.parse::<Code>() else {
        let near =
            words::did_you_mean(&args.code.to_uppercase(), "codes", Code::ALL.iter().map(|code| code.name()));
        bail!(
            "there is no finding `{}`{}",
            args.code,
            near.map(|near| format!("; {near}")).unwrap_or_default()
        );
    };
    anstream::println!("{}", code.page().trim_end());
    Ok(End::Good)
}
