use std::io;
use std::net::SocketAddr;
use std::path::Path;

use url::Url;

use super::DemoError;
use super::chance::secret;
use crate::channel::webhook::Secret;
use crate::config::{self, AllowedAddress, Config, Environment};
use crate::language::check::{Checked, Deployment, check};
use crate::source::WorkspaceFiles;

/// Declares the files of the sample, which are in the program.
macro_rules! sample {
    ($($path:literal)*) => {
        [$(($path, include_str!(concat!("../../journeys/spring_sale/", $path))),)*]
    };
}

const SAMPLE: [(&str, &str); 9] = sample! {
    "lotse.yaml" "data.journey" "messages.journey" "spring_sale.journey"
    "emails/head.mjml" "emails/footer.mjml"
    "emails/spring_intro.mjml" "emails/spring_reminder.mjml" "emails/thank_you.mjml"
};

/// Where the sample leads outside, and the path that stands in for it.
pub(super) const OUTSIDE: [(&str, &str); 2] =
    [("https://shop.beetle-and-bloom.example", "/shop"), ("https://crm.beetle-and-bloom.example", "/crm")];

/// The sample workspace, leading nowhere but to this machine.
pub(super) struct Sample {
    pub(super) files: WorkspaceFiles,
    pub(super) config: Config,
    pub(super) checked: Checked,
}

impl Sample {
    /// The sample, its recipients' links leading to `url` and everything outside to `world`.
    pub(super) fn new(url: &str, world: SocketAddr) -> Result<Self, DemoError> {
        let stood_in = |text: &str| {
            OUTSIDE.iter().fold(text.to_owned(), |text, (outside, path)| {
                text.replace(outside, &format!("http://{world}{path}"))
            })
        };
        let texts = SAMPLE.map(|(path, text)| (path, stood_in(text)));
        let files = WorkspaceFiles::from_texts(texts.iter().map(|(path, text)| (*path, text.as_str())));
        let (mut config, findings) = config::read(&files);
        config.public_url = Some(Url::parse(url).map_err(|error| DemoError::Sample(error.to_string()))?);
        let world = world.to_string().parse::<AllowedAddress>();
        config.allow_addresses = vec![world.map_err(|error| DemoError::Sample(error.to_string()))?];
        let checked = check(&files, Deployment::of(&config).as_ref());
        if let Some(finding) = findings.iter().chain(&checked.findings).next() {
            return Err(DemoError::Sample(finding.message.to_string()));
        }
        Ok(Self { files, config, checked })
    }
}

/// What the sample's settings look up elsewhere.
pub(super) struct DemoEnvironment {
    secret: String,
    sales: String,
    smtp: String,
}

impl DemoEnvironment {
    /// New secrets, and mail going to an address of this machine.
    pub(super) fn new(mail: SocketAddr) -> Result<Self, DemoError> {
        Ok(Self { secret: secret()?, sales: secret()?, smtp: format!("smtp://{mail}?tls=none") })
    }

    /// What the sales team verifies hand-offs with.
    pub(super) fn sales_secret(&self) -> Result<Secret, DemoError> {
        Secret::new(&self.sales).map_err(|error| DemoError::Sample(error.to_string()))
    }
}

impl Environment for DemoEnvironment {
    fn variable(&self, name: &str) -> Option<String> {
        match name {
            "LOTSE_SECRET" => Some(self.secret.clone()),
            "LOTSE_SALES_SECRET" => Some(self.sales.clone()),
            "LOTSE_SMTP" => Some(self.smtp.clone()),
            _ => None,
        }
    }

    fn file(&self, _: &Path, _: usize) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }
}
