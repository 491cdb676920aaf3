use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

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
    let kept = dir.join(SECRET_FILE);
    write_secret(&kept, &secret()?).with_context(|| format!("`{}` cannot be written", kept.display()))?;
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

/// Writes a file that other users of the machine cannot read.
fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// 256 random bits as text.
fn secret() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| anyhow::anyhow!("the machine gives no random numbers"))?;
    Ok(format!("{}\n", URL_SAFE_NO_PAD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn the_secret_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("shop");
        assert!(run(&NewArgs { dir: dir.clone() }).is_ok());
        let mode = std::fs::metadata(dir.join(SECRET_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(run(&NewArgs { dir }).is_err(), "a workspace is never written over");
    }
}
