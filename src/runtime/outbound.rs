use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;

use super::mail::SenderReady;
use crate::channel::email::{
    MailRoute, Mailbox, RouteConfig, RouteError, Signer, SignerError, SmtpRoute, SmtpServer,
};
use crate::channel::webhook::{
    AllowList, Endpoint, GuardError, Receiver, Secret as SigningSecret, SecretError as SigningError,
};
use crate::config::{self, Config, Environment, SecretError};
use crate::domain::Address;
use crate::time::Clock;
use crate::track::{Tracker, TrackerError};

/// Why `lotse.yaml` cannot be used as it stands.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// Something that must be there is not.
    #[error("lotse.yaml has no `{0}`: {1}")]
    Missing(&'static str, &'static str),
    /// A secret cannot be had.
    #[error("`{0}`: {1}")]
    Secret(String, SecretError),
    /// A URL that is none.
    #[error("`{0}`: {1}")]
    Url(String, String),
    /// The receiver's URL is one that is not called.
    #[error("`{0}`: {1}")]
    Guard(String, GuardError),
    /// The receiver's secret cannot sign.
    #[error("`{0}.secret`: {1}")]
    Signing(String, SigningError),
    /// A receiver without a secret could not tell us from anybody.
    #[error("`{0}` has no `secret`: without one the receiver cannot know that calls come from you")]
    Unsigned(String),
    /// A DKIM key that is none.
    #[error("`senders.{0}.dkim`: {1}")]
    Dkim(String, SignerError),
    /// The mail server cannot be used.
    #[error("`smtp`: {0}")]
    Route(#[from] RouteError),
    /// The secret for links cannot be used.
    #[error("`secret`: {0}")]
    Tracker(#[from] TrackerError),
}

/// Everything that leaves the house goes through what stands here: `lotse.yaml`, with its secrets resolved.
pub struct Outbound {
    /// Senders of mail.
    pub senders: BTreeMap<String, SenderReady>,
    /// Those who deliver messages of channels beside email.
    pub channels: BTreeMap<String, Arc<dyn Receiver>>,
    /// Receivers of calls.
    pub webhooks: BTreeMap<String, Arc<dyn Receiver>>,
    /// Receivers of leads and alerts.
    pub teams: BTreeMap<String, Arc<dyn Receiver>>,
    /// Where alerts go by mail: the teams that have no system of their own.
    pub team_addresses: BTreeMap<String, Address>,
    /// Whom alerts by mail come from: the first sender of `lotse.yaml`.
    pub alerts_from: Option<String>,
    /// Signs links.
    pub tracker: Tracker,
    /// Where links lead.
    pub base_url: String,
    /// Whether opens and clicks are counted.
    pub tracking: config::Tracking,
    /// The way of mail; `None` where `lotse.yaml` has no `smtp`.
    pub route: Option<Arc<dyn MailRoute>>,
    /// How many connections carry mail.
    pub connections: usize,
}

impl Outbound {
    /// Resolves what `lotse.yaml` says, and gives everything that stands in the way at once.
    ///
    /// # Errors
    /// Each entry that cannot be used.
    pub fn new(
        config: &Config,
        environment: &dyn Environment,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Vec<OutboundError>> {
        let mut errors = Vec::new();
        let tracker = tracker(config, environment).map_err(|error| errors.push(error)).ok();
        let senders = senders(config, environment, &mut errors);
        let allowed = &config.allow_addresses;
        let (mut webhooks, mut teams) = (BTreeMap::new(), BTreeMap::new());
        let (mut channels, mut team_addresses) = (BTreeMap::new(), BTreeMap::new());
        for (name, channel) in config.channels.iter() {
            match endpoint(&format!("channels.{name}"), &channel.endpoint, environment, allowed) {
                Ok(endpoint) => drop(channels.insert(name.to_owned(), endpoint)),
                Err(error) => errors.push(error),
            }
        }
        for (name, webhook) in config.webhooks.iter() {
            match endpoint(&format!("webhooks.{name}"), &webhook.endpoint, environment, allowed) {
                Ok(endpoint) => drop(webhooks.insert(name.to_owned(), endpoint)),
                Err(error) => errors.push(error),
            }
        }
        for (name, team) in config.teams.iter() {
            let Some(receiver) = &team.endpoint else {
                team_addresses.extend(team.email.clone().map(|address| (name.to_owned(), address)));
                continue;
            };
            match endpoint(&format!("teams.{name}"), receiver, environment, allowed) {
                Ok(endpoint) => drop(teams.insert(name.to_owned(), endpoint)),
                Err(error) => errors.push(error),
            }
        }
        let route = Self::route(config, environment, clock).unwrap_or_else(|error| {
            errors.push(error);
            None
        });
        match tracker {
            Some(tracker) if errors.is_empty() => Ok(Self {
                senders,
                channels,
                webhooks,
                teams,
                team_addresses,
                alerts_from: first_sender(config),
                tracker,
                base_url: config.base_url(),
                tracking: config.tracking,
                route: route.map(|route| Arc::new(route) as Arc<dyn MailRoute>),
                connections: config.smtp.as_ref().map_or(1, |smtp| connections(smtp).get()),
            }),
            _ => Err(errors),
        }
    }
}

impl Outbound {
    /// The way of mail alone, whatever else stands in `lotse.yaml`; nothing where it has no `smtp`.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn route(
        config: &Config,
        environment: &dyn Environment,
        clock: &Arc<dyn Clock>,
    ) -> Result<Option<SmtpRoute>, OutboundError> {
        config.smtp.as_ref().map(|smtp| route(smtp, environment, clock)).transpose()
    }

    /// Enough to show what a message looks like, without any secret: nothing can be sent with it, and its links
    /// lead nowhere.
    ///
    /// # Errors
    /// None in practice.
    pub fn for_preview(config: &Config) -> Result<Self, OutboundError> {
        let mailbox = |mailbox: &config::Mailbox| Mailbox {
            name: mailbox.name.clone(),
            address: mailbox.address.clone(),
        };
        let sender = |sender: &config::Sender| SenderReady {
            from: mailbox(&sender.from),
            reply_to: sender.reply_to.as_ref().map(mailbox),
            return_path: sender.return_path.clone(),
            signer: None,
            postal_address: sender.address.clone(),
        };
        Ok(Self {
            senders: config.senders.iter().map(|(name, one)| (name.to_owned(), sender(one))).collect(),
            channels: BTreeMap::new(),
            webhooks: BTreeMap::new(),
            teams: BTreeMap::new(),
            team_addresses: BTreeMap::new(),
            alerts_from: None,
            tracker: Tracker::new(b"preview", &config.workspace)?,
            base_url: config.base_url(),
            tracking: config.tracking,
            route: None,
            connections: 1,
        })
    }
}

fn first_sender(config: &Config) -> Option<String> {
    config.senders.declared().min_by_key(|(_, span)| *span).map(|(name, _)| name.to_owned())
}

fn tracker(config: &Config, environment: &dyn Environment) -> Result<Tracker, OutboundError> {
    let missing = OutboundError::Missing(
        "secret",
        "write `secret: env:LOTSE_SECRET`, a long random text that signs links",
    );
    let secret = config.secret.as_ref().ok_or(missing)?;
    let secret =
        secret.resolve(environment).map_err(|error| OutboundError::Secret("secret".into(), error))?;
    Ok(Tracker::new(secret.as_bytes(), &config.workspace)?)
}

fn senders(
    config: &Config,
    environment: &dyn Environment,
    errors: &mut Vec<OutboundError>,
) -> BTreeMap<String, SenderReady> {
    let mailbox =
        |mailbox: &config::Mailbox| Mailbox { name: mailbox.name.clone(), address: mailbox.address.clone() };
    let mut ready = BTreeMap::new();
    for (name, sender) in config.senders.iter() {
        let signer = match &sender.dkim {
            Some(dkim) => {
                let key = dkim
                    .key
                    .resolve(environment)
                    .map_err(|error| OutboundError::Secret(format!("senders.{name}.dkim.key"), error));
                let signer = key.and_then(|pem| {
                    Signer::new(&dkim.domain, &dkim.selector, &pem)
                        .map_err(|error| OutboundError::Dkim(name.to_owned(), error))
                });
                match signer {
                    Ok(signer) => Some(signer),
                    Err(error) => {
                        errors.push(error);
                        continue;
                    }
                }
            }
            None => None,
        };
        let sender = SenderReady {
            from: mailbox(&sender.from),
            reply_to: sender.reply_to.as_ref().map(mailbox),
            return_path: sender.return_path.clone(),
            signer,
            postal_address: sender.address.clone(),
        };
        ready.insert(name.to_owned(), sender);
    }
    ready
}

fn endpoint(
    path: &str,
    receiver: &config::Endpoint,
    environment: &dyn Environment,
    allowed: &AllowList,
) -> Result<Arc<dyn Receiver>, OutboundError> {
    let url = receiver
        .url
        .resolve(environment)
        .map_err(|error| OutboundError::Secret(format!("{path}.url"), error))?;
    let secret = receiver.secret.as_ref().ok_or_else(|| OutboundError::Unsigned(path.to_owned()))?;
    let secret = secret
        .resolve(environment)
        .map_err(|error| OutboundError::Secret(format!("{path}.secret"), error))?;
    let secret =
        SigningSecret::new(&secret).map_err(|error| OutboundError::Signing(path.to_owned(), error))?;
    let endpoint = Endpoint::new(url.url().as_str(), secret, receiver.timeout, allowed)
        .map_err(|error| OutboundError::Guard(path.to_owned(), error))?;
    Ok(Arc::new(endpoint))
}

fn route(
    smtp: &config::Smtp,
    environment: &dyn Environment,
    clock: &Arc<dyn Clock>,
) -> Result<SmtpRoute, OutboundError> {
    let url =
        smtp.url.resolve(environment).map_err(|error| OutboundError::Secret("smtp.url".into(), error))?;
    let server: SmtpServer =
        url.url().as_str().parse().map_err(|error: crate::channel::email::ServerError| {
            OutboundError::Url("smtp.url".into(), error.to_string())
        })?;
    let mut route = RouteConfig::new(server);
    route.connections = connections(smtp);
    route.per_second = smtp.per_second.and_then(NonZeroU32::new);
    Ok(SmtpRoute::new(route, Arc::clone(clock))?)
}

fn connections(smtp: &config::Smtp) -> NonZeroUsize {
    usize::try_from(smtp.connections).ok().and_then(NonZeroUsize::new).unwrap_or(NonZeroUsize::MIN)
}
