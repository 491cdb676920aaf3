use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use lettre::transport::smtp::authentication::{self, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{self, response::Response};
use tokio::time::timeout;
use tokio_rustls::rustls::ClientConfig;

use super::outcome::{Gate, Letter, Outcome, Refusal};
use super::reply::{Phase, Reply, outcome_of};
use super::server::{Security, SmtpServer};
use super::wire::Wire;
use crate::channel::clean_answer;
use crate::domain::MessageId;

/// How long each part of a conversation may take. The defaults are the least that RFC 5321 section 4.5.3.2
/// asks a client to wait: who gives up earlier sends mail twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Looking up the server, connecting to one of its addresses, beginning TLS. RFC 5321 names no time for it.
    pub connect: Duration,
    /// The greeting, and the answers to `EHLO`, `STARTTLS` and `AUTH`, each.
    pub greeting: Duration,
    /// The answer to `MAIL FROM`.
    pub mail: Duration,
    /// The answer to `RCPT TO`.
    pub rcpt: Duration,
    /// The answer to `DATA`.
    pub data: Duration,
    /// Sending the content.
    pub content: Duration,
    /// The answer to the content, on top of the time for sending it.
    pub accept: Duration,
    /// The answers to `NOOP`, `RSET` and `QUIT`, on which no mail hangs.
    pub housekeeping: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        Self {
            connect: Duration::from_secs(30),
            greeting: Duration::from_secs(5 * MINUTE),
            mail: Duration::from_secs(5 * MINUTE),
            rcpt: Duration::from_secs(5 * MINUTE),
            data: Duration::from_secs(2 * MINUTE),
            content: Duration::from_secs(3 * MINUTE),
            accept: Duration::from_secs(10 * MINUTE),
            housekeeping: Duration::from_secs(10),
        }
    }
}

/// What became of a connection after an attempt to send a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It takes the next mail.
    Ready,
    /// It holds an unfinished mail, which `RSET` clears.
    Unfinished,
    /// It must be closed.
    Broken,
    /// It must be closed, and had gone before it heard of this mail.
    Gone,
}

/// One conversation with a mail server: lettre's connection, driven command by command, over a [`Wire`].
///
/// lettre's own `send` tells neither where a conversation broke nor bounds how long it takes; both decide
/// whether a mail may be sent again.
pub(super) struct Connection {
    inner: AsyncSmtpConnection,
    timeouts: Timeouts,
    pipelining: bool,
    utf8: bool,
    /// The mail of which the server has been told already, behind the content of the one before.
    announced: Option<MessageId>,
}

impl Connection {
    /// Connects, greets, encrypts and logs in, as far as the server's address asks for it.
    ///
    /// # Errors
    /// What went wrong, in words for whoever runs the server.
    pub(super) async fn open(
        server: &SmtpServer,
        tls: &Arc<ClientConfig>,
        timeouts: Timeouts,
    ) -> Result<Self, String> {
        let name = format!("`{}:{}`", server.host, server.port);
        let hello = ClientId::default();
        let wire = Wire::connect(&server.host, server.port, timeouts.connect)
            .await
            .map_err(|error| format!("{name} cannot be reached: {}", clean_answer(&error.to_string())))?;
        let (wire, encrypted) = match server.security {
            Security::None => (wire, false),
            Security::Implicit => {
                let encrypting = wire.into_tls(Arc::clone(tls), &server.host);
                (within(timeouts.connect, &name, "TLS", encrypting).await?, true)
            }
            Security::StartTls | Security::Opportunistic => {
                start_tls(wire, server, tls, timeouts, &hello).await?
            }
        };
        let greeting = AsyncSmtpConnection::connect_with_transport(Box::new(wire), &hello);
        let limit = timeouts.greeting * 2;
        let inner = timeout(limit, greeting)
            .await
            .map_err(|_| no_answer(&name, "the greeting and `EHLO`", limit))?
            .map_err(|error| format!("{name}: {}", in_words(&error)))?;
        let mut connection = Self { inner, timeouts, pipelining: false, utf8: false, announced: None };
        connection.learn_extensions(&hello).await.map_err(|why| format!("{name}: {why}"))?;
        if let Some(credentials) = &server.credentials {
            if !encrypted && !server.is_loopback() {
                return Err(format!("{name} does not encrypt, and the password would travel in clear text"));
            }
            let credentials =
                authentication::Credentials::new(credentials.user.clone(), credentials.password.clone());
            timeout(timeouts.greeting, connection.inner.auth(DEFAULT_MECHANISMS, &credentials))
                .await
                .map_err(|_| no_answer(&name, "`AUTH`", timeouts.greeting))?
                .map_err(|error| {
                    format!("{name} does not take the user and password: {}", in_words(&error))
                })?;
        }
        Ok(connection)
    }

    /// Asks for the extensions once more, since lettre keeps only those that it uses itself.
    async fn learn_extensions(&mut self, hello: &ClientId) -> Result<(), String> {
        let reply = self.ask(&format!("EHLO {hello}\r\n"), "`EHLO`", self.timeouts.greeting).await?;
        self.pipelining = offers(&reply, "PIPELINING");
        self.utf8 = offers(&reply, "SMTPUTF8") && offers(&reply, "8BITMIME");
        Ok(())
    }

    /// The mail that must be sent next, where there is one.
    pub(super) fn announced(&self) -> Option<MessageId> {
        self.announced
    }

    /// Hands over one mail, and says what is known about it and about the connection.
    ///
    /// The server hears of the mail behind it, `next`, right behind the content (RFC 2920), where it allows that: one
    /// way there and back for each mail instead of two. That mail must be the next one then.
    pub(super) async fn send(
        &mut self,
        letter: Letter<'_>,
        gate: &dyn Gate,
        next: Option<Letter<'_>>,
    ) -> (Outcome, Fate) {
        if let Err(ended) = self.announce(letter).await {
            return ended;
        }
        if !gate.hand_over(letter.id).await {
            // The server waits for the content; only closing takes back the `DATA`.
            return (Outcome::Stopped, Fate::Broken);
        }
        let mut said = content(letter.mail.as_str());
        if let Some(next) = next.filter(|next| self.pipelining && self.carries(next)) {
            said.extend(self.commands(&next).map(|(_, line)| line));
            self.announced = Some(next.id);
        }
        let limit = self.timeouts.content + self.timeouts.accept;
        let reply = match timeout(limit, self.inner.command(said)).await {
            Ok(result) => reply_of(result),
            Err(_) => Err(no_answer("the server", "the content", limit)),
        };
        match reply {
            Ok(reply) if reply.is_yes() => (Outcome::Accepted { answer: reply.answer() }, Fate::Ready),
            Ok(reply) if reply.code >= 400 => {
                let fate = if reply.closes() { Fate::Broken } else { Fate::Ready };
                (outcome_of(Phase::Content, &reply), fate)
            }
            Ok(reply) => (Outcome::Unsure { why: unexpected(Phase::Content, &reply) }, Fate::Broken),
            Err(why) => (Outcome::Unsure { why }, Fate::Broken),
        }
    }

    /// Whether the server takes letters beyond ASCII where this mail has some.
    fn carries(&self, letter: &Letter<'_>) -> bool {
        self.utf8 || !needs_utf8(letter)
    }

    /// What names sender and recipient and asks to send the content.
    fn commands(&self, letter: &Letter<'_>) -> [(Phase, String); 3] {
        let parameters = if needs_utf8(letter) { " BODY=8BITMIME SMTPUTF8" } else { "" };
        [
            (Phase::Mail, format!("MAIL FROM:<{}>{parameters}\r\n", letter.envelope.from)),
            (Phase::Rcpt, format!("RCPT TO:<{}>\r\n", letter.envelope.to)),
            (Phase::Data, "DATA\r\n".to_owned()),
        ]
    }

    /// Names sender and recipient and asks to send the content: all in one write where the server allows it
    /// (RFC 2920), else one after the other. When it returns without an error, the server waits for the content.
    async fn announce(&mut self, letter: Letter<'_>) -> Result<(), (Outcome, Fate)> {
        if !self.carries(&letter) {
            let answer = "the server does not offer SMTPUTF8".to_owned();
            return Err((Outcome::Refused { class: Refusal::Unsupported, answer }, Fate::Ready));
        }
        let commands = self.commands(&letter);
        let mut together = commands.iter().map(|(_, line)| line.as_str()).collect::<String>();
        if self.announced.take() == Some(letter.id) {
            together.clear();
        }
        let mut refused = None;
        for (phase, line) in commands {
            let line = if self.pipelining { std::mem::take(&mut together) } else { line };
            let reply = match self.exchange(phase, &line).await {
                Ok(reply) => reply,
                Err(why) => {
                    let fate = if phase == Phase::Mail { Fate::Gone } else { Fate::Broken };
                    return Err((refused.unwrap_or(Outcome::NotHandedOver { why }), fate));
                }
            };
            if phase.is_satisfied_by(&reply) {
                continue;
            }
            let (outcome, fate) = ended_by(phase, &reply);
            let outcome = refused.unwrap_or(outcome);
            let more_to_read = self.pipelining && phase != Phase::Data && fate == Fate::Unfinished;
            if !more_to_read {
                return Err((outcome, fate));
            }
            refused = Some(outcome);
        }
        // A refused recipient, and a server that waits for content all the same.
        refused.map_or(Ok(()), |outcome| Err((outcome, Fate::Broken)))
    }

    /// Sends a line, or nothing where it went out with the one before, and reads the answer.
    async fn exchange(&mut self, phase: Phase, line: &str) -> Result<Reply, String> {
        let limit = match phase {
            Phase::Mail => self.timeouts.mail,
            Phase::Rcpt => self.timeouts.rcpt,
            Phase::Data | Phase::Content => self.timeouts.data,
        };
        if !line.is_empty() {
            return self.ask(line, phase.command(), limit).await;
        }
        match timeout(limit, self.inner.read_response()).await {
            Ok(result) => reply_of(result),
            Err(_) => Err(no_answer("the server", phase.command(), limit)),
        }
    }

    async fn ask(&mut self, line: &str, command: &str, limit: Duration) -> Result<Reply, String> {
        match timeout(limit, self.inner.command(line)).await {
            Ok(result) => reply_of(result),
            Err(_) => Err(no_answer("the server", command, limit)),
        }
    }

    /// Forgets an unfinished mail; false when the connection must be closed.
    pub(super) async fn reset(&mut self) -> bool {
        let reply = self.ask("RSET\r\n", "`RSET`", self.timeouts.housekeeping).await;
        reply.is_ok_and(|reply| reply.is_yes())
    }

    /// Whether the server still answers.
    pub(super) async fn is_alive(&mut self) -> bool {
        let reply = self.ask("NOOP\r\n", "`NOOP`", self.timeouts.housekeeping).await;
        reply.is_ok_and(|reply| reply.is_yes())
    }

    /// Takes its leave.
    pub(super) async fn quit(mut self) {
        // Whatever the answer, the connection is closed.
        let _ = self.ask("QUIT\r\n", "`QUIT`", self.timeouts.housekeeping).await;
    }
}

impl Phase {
    fn command(self) -> &'static str {
        match self {
            Phase::Mail => "`MAIL FROM`",
            Phase::Rcpt => "`RCPT TO`",
            Phase::Data => "`DATA`",
            Phase::Content => "the content",
        }
    }

    fn is_satisfied_by(self, reply: &Reply) -> bool {
        if self == Phase::Data { reply.code == 354 } else { reply.is_yes() }
    }
}

fn needs_utf8(letter: &Letter<'_>) -> bool {
    let Letter { envelope, mail, .. } = letter;
    mail.needs_utf8() || !envelope.from.as_str().is_ascii() || !envelope.to.as_str().is_ascii()
}

/// A mail as it goes over the wire: with the dots at the start of lines doubled (RFC 5321 section 4.5.2), and its end.
fn content(mail: &str) -> String {
    const END: &str = ".\r\n";
    // Room for what is said behind it.
    let mut content = String::with_capacity(mail.len() + 512);
    content.push_str(if mail.starts_with('.') { "." } else { "" });
    if mail.contains("\n.") {
        content.push_str(&mail.replace("\n.", "\n.."));
    } else {
        content.push_str(mail);
    }
    content.push_str(END);
    content
}

/// What a reply before the content means that is not the one hoped for.
fn ended_by(phase: Phase, reply: &Reply) -> (Outcome, Fate) {
    if reply.code < 400 {
        return (Outcome::NotHandedOver { why: unexpected(phase, reply) }, Fate::Broken);
    }
    let fate = match phase {
        Phase::Mail if reply.closes() => Fate::Gone,
        _ if reply.closes() => Fate::Broken,
        _ => Fate::Unfinished,
    };
    (outcome_of(phase, reply), fate)
}

/// Begins TLS by STARTTLS (RFC 3207), where it is offered; says whether it did.
///
/// The dialogue is ours and not lettre's, which keeps what it has read ahead in clear text and takes it for
/// an answer under TLS: anybody on the way could forge the answers to come.
async fn start_tls(
    mut wire: Wire,
    server: &SmtpServer,
    tls: &Arc<ClientConfig>,
    timeouts: Timeouts,
    hello: &ClientId,
) -> Result<(Wire, bool), String> {
    let name = format!("`{}:{}`", server.host, server.port);
    let limit = timeouts.greeting;
    let greeting = within(limit, &name, "the greeting", wire.ask("")).await?;
    if !greeting.is_yes() {
        return Err(format!("{name}: {}", greeting.answer()));
    }
    let extensions = within(limit, &name, "`EHLO`", wire.ask(&format!("EHLO {hello}\r\n"))).await?;
    if !offers(&extensions, "STARTTLS") {
        if server.security == Security::StartTls {
            return Err(format!(
                "{name} does not offer STARTTLS: use `smtps://` if it speaks TLS on another port"
            ));
        }
        wire.say_again(&greeting);
        return Ok((wire, false));
    }
    let reply = within(limit, &name, "`STARTTLS`", wire.ask("STARTTLS\r\n")).await?;
    if !reply.is_yes() {
        return Err(format!("{name}: {}", reply.answer()));
    }
    let encrypting = wire.into_tls(Arc::clone(tls), &server.host);
    let mut wire = within(timeouts.connect, &name, "TLS", encrypting).await?;
    // lettre begins with the greeting, which came before the encryption.
    wire.say_again(&greeting);
    Ok((wire, true))
}

/// Whether an answer to `EHLO` names an extension.
fn offers(reply: &Reply, extension: &str) -> bool {
    let named = |line: &str| {
        line.split_ascii_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case(extension))
    };
    reply.is_yes() && reply.text.lines().skip(1).any(named)
}

/// A reply, or what came instead of one.
fn reply_of(result: Result<Response, smtp::Error>) -> Result<Reply, String> {
    match result {
        Ok(response) => {
            let lines: Vec<&str> = response.message().collect();
            Ok(Reply { code: response.code().into(), text: lines.join("\n") })
        }
        Err(error) => match error.status() {
            Some(code) => Ok(Reply { code: code.into(), text: source_of(&error) }),
            None => Err(in_words(&error)),
        },
    }
}

fn source_of(error: &smtp::Error) -> String {
    std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()
}

/// What lettre reports, in words of ours.
fn in_words(error: &smtp::Error) -> String {
    match error.status() {
        Some(code) => clean_answer(&format!("{code} {}", source_of(error))),
        None if error.is_response() && source_of(error) == "incomplete response" => {
            "the server closed the connection".to_owned()
        }
        None if error.is_response() => "the server answered with something that is not SMTP".to_owned(),
        None => clean_answer(&source_of(error)),
    }
}

fn unexpected(phase: Phase, reply: &Reply) -> String {
    format!("the server answered {} with `{}`", phase.command(), reply.answer())
}

fn no_answer(who: &str, what: &str, limit: Duration) -> String {
    format!("{who} gave no answer to {what} within {limit:?}")
}

async fn within<T, E: Display>(
    limit: Duration,
    who: &str,
    what: &str,
    task: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    match timeout(limit, task).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(format!("{who}: {what} failed: {}", clean_answer(&error.to_string()))),
        Err(_) => Err(format!("{who}: {what} took longer than {limit:?}")),
    }
}

#[cfg(test)]
mod tests;
