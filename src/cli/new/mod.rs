use anyhow::{Context, bail};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::End;
use super::args::NewArgs;

/// The files of a new workspace.
const FILES: [(&str, &str); 6] = [
    ("lotse.yaml", include_str!("lotse.yaml")),
    ("data.journey", include_str!("data.journey")),
    ("messages.journey", include_str!("messages.journey")),
    ("welcome.journey", include_str!("welcome.journey")),
    ("emails/welcome.mjml", include_str!("emails/welcome.mjml")),
    ("emails/tips.mjml", include_str!("emails/tips.mjml")),
];
/// Where the secret that signs links is kept; it is made for each workspace.
const SECRET_FILE: &str = "lotse.secret";
/// What belongs into no repository.
const IGNORED: &str = "lotse.secret\n*.db\n*.db-shm\n*.db-wal\n*.lock\n";

pub(super) fn run(args: &NewArgs) -> anyhow::Result<End> {
    let dir = &args.dir;
    let taken = std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
    if taken {
        bail!("`{}` is not empty: choose another folder", dir.display());
    }
    let write = |path: &str, text: &str| -> anyhow::Result<()> {
        let path = dir.join(path);
        let folder = path.parent().unwrap_or(dir);
        std::fs::create_dir_all(folder).with_context(|| format!("`{}` cannot be made", folder.display()))?;
        std::fs::write(&path, text).with_context(|| format!("`{}` cannot be written", path.display()))
    };
    for (path, text) in FILES {
        write(path, text)?;
    }
    write(SECRET_FILE, &secret()?)?;
    write(".gitignore", IGNORED)?;
    let shown = dir.display();
    anstream::println!(
        "{shown} is a workspace now. What to do next:

  lotse check {shown}        says what is wrong, and what to write instead
  lotse test {shown}         runs its tests in virtual time
  lotse -C {shown} show welcome
  lotse run {shown}          runs it; lotse.yaml says where mail goes"
    );
    Ok(End::Good)
}

/// 256 random bits as text.
fn secret() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| anyhow::anyhow!("the machine gives no random numbers"))?;
    Ok(format!("{}\n", URL_SAFE_NO_PAD.encode(bytes)))
}
