use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use serde_json::{Value as Json, json};

use super::args::{Format, PreviewArgs};
use super::workspace::{Workspace, block_on};
use super::{End, output};
use crate::domain::{Contact, Value, ValueType};
use crate::finding::words;
use crate::runtime::{Letters, Outbound, made_up, post_body};
use crate::simulate::plans;
use crate::store::{ClaimedMessage, Who};
use crate::template::Rendered;
use crate::time::{Clock, SystemClock};

pub(super) fn run(args: &PreviewArgs, dir: &Path) -> anyhow::Result<End> {
    let workspace = Workspace::load_sound(dir)?;
    let plans = plans(&workspace.checked, &workspace.files.sources);
    let found = plans.versions().find(|(_, plan)| plan.messages.contains_key(&args.message));
    let Some((version, plan)) = found else {
        let known: Vec<String> =
            plans.versions().flat_map(|(_, plan)| plan.messages.keys().cloned()).collect();
        let near = words::did_you_mean(
            &args.message,
            "messages that journeys send",
            known.iter().map(String::as_str),
        );
        bail!("no journey sends a message `{}`; {}", args.message, near.unwrap_or_default());
    };
    let now = SystemClock.now();
    let mut claimed = made_up::claimed(&args.message, version, plan, now);
    if let Some(contact) = &args.contact {
        take_contact(contact, &workspace, &mut claimed)?;
    }
    if args.language.is_some() {
        claimed.contact.language.clone_from(&args.language);
    }
    made_up::fill_in(&mut claimed, plan, &workspace.checked.model, &workspace.config.timezone);
    let outbound = Arc::new(Outbound::for_preview(&workspace.config)?);
    let letters = Letters::new(outbound, workspace.config.timezone.clone());
    let Some(planned) = plan.messages.get(&args.message) else {
        bail!("no journey sends `{}`", args.message)
    };
    claimed.message.topic.clone_from(&planned.topic);
    let rendered = letters.render(plan, planned, &claimed)?;
    if let Some(attribute) = &planned.address {
        claimed.message.channel.clone_from(&planned.channel);
        let to = claimed.contact.attribute(attribute, &ValueType::Text);
        claimed.message.address = if to.is_set() { to.to_string() } else { "+49 30 901820".to_owned() };
        return show_post(args, &post_body(&claimed, &rendered));
    }
    let mail = letters.write_as(plan, planned, &claimed, now)?.mail;
    show(args, &rendered, mail.as_str())?;
    Ok(End::Good)
}

/// The contact of a file or of the database. In a file, `entry` is what led into the journey and `with` what the
/// send hands over.
fn take_contact(from: &str, workspace: &Workspace, claimed: &mut ClaimedMessage) -> anyhow::Result<()> {
    let path = Path::new(from);
    if !path.is_file() {
        let found = block_on(async {
            let store = workspace.open_store().await?;
            Ok(store.read().await?.find(&Who::from_text(from)).await?)
        })?;
        claimed.contact = found.with_context(|| format!("`{from}` is neither a file nor a contact"))?;
        claimed.message.contact = claimed.contact.id;
    } else {
        let text = std::fs::read_to_string(path).with_context(|| format!("`{from}` cannot be read"))?;
        let json: Json = serde_json::from_str(&text).with_context(|| format!("`{from}` is no JSON"))?;
        let Json::Object(mut all) = json else {
            bail!("`{from}` holds no JSON object with the contact's attributes")
        };
        if let Some(Json::Object(entry)) = all.remove("entry") {
            claimed.entry = entry;
        }
        if let Some(Json::Object(with)) = all.remove("with") {
            claimed.message.with = with;
        }
        for (name, value) in all {
            let built_in = Contact::built_in_type(&name);
            match built_in {
                Some(of) => claimed.contact.set(&name, &Value::from_json(&value, &of)),
                None => drop(claimed.contact.attributes.insert(name, value)),
            }
        }
    }
    if let Some(email) = &claimed.contact.email {
        claimed.message.address.clone_from(email);
    }
    Ok(())
}

/// A message of another channel than email: what its system is sent.
fn show_post(args: &PreviewArgs, body: &Json) -> anyhow::Result<End> {
    if let Some(dir) = &args.output {
        std::fs::create_dir_all(dir).with_context(|| format!("`{}` cannot be made", dir.display()))?;
        let path = dir.join(format!("{}.json", args.message));
        std::fs::write(&path, format!("{body:#}\n"))
            .with_context(|| format!("`{}` cannot be written", path.display()))?;
        anstream::println!("{}", path.display());
    } else {
        output::json(body)?;
    }
    Ok(End::Good)
}

fn show(args: &PreviewArgs, rendered: &Rendered, mail: &str) -> anyhow::Result<()> {
    let headers = mail.split_once("\r\n\r\n").map_or(mail, |(headers, _)| headers).replace("\r\n", "\n");
    if let Some(dir) = &args.output {
        std::fs::create_dir_all(dir).with_context(|| format!("`{}` cannot be made", dir.display()))?;
        let parts =
            [("html", rendered.html.as_deref()), ("txt", Some(rendered.text.as_str())), ("eml", Some(mail))];
        for (ending, text) in parts {
            let Some(text) = text else { continue };
            let path = dir.join(format!("{}.{ending}", args.message));
            std::fs::write(&path, text).with_context(|| format!("`{}` cannot be written", path.display()))?;
            anstream::println!("{}", path.display());
        }
        return Ok(());
    }
    if args.format == Format::Json {
        return output::json(&json!({ "headers": headers, "subject": rendered.subject,
            "preheader": rendered.preheader, "text": rendered.text, "html": rendered.html }));
    }
    anstream::println!("{headers}\n\n--- text ---\n{}", rendered.text.trim_end());
    if let Some(html) = &rendered.html {
        anstream::println!("\n--- html ---\n{}", html.trim_end());
    }
    Ok(())
}
