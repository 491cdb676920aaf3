use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::{Host, Url};

/// The port for submission with STARTTLS (RFC 6409).
const PORT_SUBMISSION: u16 = 587;
/// The port for submission over TLS (RFC 8314).
const PORT_SUBMISSIONS: u16 = 465;

/// A mail server that takes what we send, as `lotse.yaml` names it:
/// `smtps://user:password@mail.example.com:465` or `smtp://…`.
///
/// `smtps` speaks TLS from the first byte. `smtp` begins in clear text and must be able to change to TLS
/// (STARTTLS), unless the server is this machine or the address ends in `?tls=opportunistic` (TLS where it is
/// offered) or `?tls=none`. A password never travels in clear text to another machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpServer {
    /// Its name or address.
    pub host: String,
    /// Its port; 465 for `smtps` and 587 for `smtp` where the address has none.
    pub port: u16,
    /// When TLS begins.
    pub security: Security,
    /// Who we are to it.
    pub credentials: Option<Credentials>,
}

/// When a connection becomes encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Security {
    /// From the first byte.
    Implicit,
    /// After STARTTLS, without which nothing is sent.
    StartTls,
    /// After STARTTLS where it is offered.
    Opportunistic,
    /// Never.
    None,
}

/// A user and a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

/// Names the user alone.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Why an address is not that of a mail server. Never holds the address, which has a password in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// No URL, or one of another kind.
    #[error(
        "the mail server must be given as `smtps://user:password@host:465` or `smtp://host:587`, with `@`, `:`, `/` and `%` in a user or password written as `%40`, `%3A`, `%2F` and `%25`"
    )]
    Form,
    /// An option we do not know.
    #[error(
        "the only option of a mail server is `?tls=required`, `?tls=opportunistic` or `?tls=none`, and of `smtps` there is none"
    )]
    Option,
    /// A password that everybody on the way could read.
    #[error("the password would travel in clear text: use `smtps://` or leave out `?tls=none`")]
    ClearPassword,
}

impl SmtpServer {
    /// Whether it is on this machine, so that what goes to it is seen by nobody else.
    pub fn is_loopback(&self) -> bool {
        let address = self.host.parse::<IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

impl FromStr for SmtpServer {
    type Err = ServerError;

    fn from_str(text: &str) -> Result<Self, ServerError> {
        let url = Url::parse(text).map_err(|_| ServerError::Form)?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(ServerError::Form)?;
        // `url` leaves the host of a scheme it does not know as it is written.
        let host = match Host::parse(host).map_err(|_| ServerError::Form)? {
            Host::Domain(domain) => domain,
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(ServerError::Form);
        }
        let credentials = match (decoded(url.username())?, url.password()) {
            (user, None) if user.is_empty() => None,
            (user, Some(password)) if !user.is_empty() => {
                Some(Credentials { user, password: decoded(password)? })
            }
            _ => return Err(ServerError::Form),
        };
        let implicit = match url.scheme() {
            "smtps" => true,
            "smtp" => false,
            _ => return Err(ServerError::Form),
        };
        let port = url.port().unwrap_or(if implicit { PORT_SUBMISSIONS } else { PORT_SUBMISSION });
        let mut server = Self { host, port, security: Security::Implicit, credentials };
        server.security = match (implicit, url.query()) {
            (true, None) => Security::Implicit,
            (false, None) if server.is_loopback() => Security::Opportunistic,
            (false, None | Some("tls=required")) => Security::StartTls,
            (false, Some("tls=opportunistic")) => Security::Opportunistic,
            (false, Some("tls=none")) => Security::None,
            _ => return Err(ServerError::Option),
        };
        if server.security == Security::None && server.credentials.is_some() && !server.is_loopback() {
            return Err(ServerError::ClearPassword);
        }
        Ok(server)
    }
}

fn decoded(text: &str) -> Result<String, ServerError> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8().map_err(|_| ServerError::Form)?;
    // A NUL would end the user in the SASL message (RFC 4616), and no password has a control character.
    if decoded.chars().any(char::is_control) { Err(ServerError::Form) } else { Ok(decoded.into_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(host: &str, port: u16, security: Security) -> SmtpServer {
        SmtpServer { host: host.into(), port, security, credentials: None }
    }

    #[test]
    fn addresses_of_servers_are_read() {
        for (text, expected) in [
            ("smtps://mail.example.com", server("mail.example.com", 465, Security::Implicit)),
            ("smtps://Mail.Example.com:8465/", server("mail.example.com", 8465, Security::Implicit)),
            ("smtp://mail.example.com", server("mail.example.com", 587, Security::StartTls)),
            ("smtp://mail.example.com:25?tls=required", server("mail.example.com", 25, Security::StartTls)),
            (
                "smtp://mail.example.com:25?tls=opportunistic",
                server("mail.example.com", 25, Security::Opportunistic),
            ),
            ("smtp://mail.example.com?tls=none", server("mail.example.com", 587, Security::None)),
            ("smtp://localhost:1025", server("localhost", 1025, Security::Opportunistic)),
            ("smtp://127.0.0.1:1025", server("127.0.0.1", 1025, Security::Opportunistic)),
            ("smtp://[::1]:1025?tls=none", server("::1", 1025, Security::None)),
            ("smtp://bücher.example", server("xn--bcher-kva.example", 587, Security::StartTls)),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn credentials_are_decoded_and_never_shown() {
        let server: SmtpServer =
            "smtps://ada%40example.org:p%40ss%2Fw%C3%B6rd@mail.example.com".parse().unwrap();
        let credentials = server.credentials.as_ref().unwrap();
        assert_eq!(
            (credentials.user.as_str(), credentials.password.as_str()),
            ("ada@example.org", "p@ss/wörd")
        );
        assert!(!format!("{server:?}").contains("wörd"));
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for (text, error) in [
            ("", ServerError::Form),
            ("mail.example.com:25", ServerError::Form),
            ("https://mail.example.com", ServerError::Form),
            ("smtp://", ServerError::Form),
            ("smtp://mail.example.com/path", ServerError::Form),
            ("smtp://user@mail.example.com", ServerError::Form),
            ("smtp://:pass@mail.example.com", ServerError::Form),
            ("smtp://us%00er:pass@mail.example.com", ServerError::Form),
            ("smtp://mail.example.com?tls=maybe", ServerError::Option),
            ("smtps://mail.example.com?tls=none", ServerError::Option),
            ("smtp://user:pass@mail.example.com?tls=none", ServerError::ClearPassword),
        ] {
            assert_eq!(text.parse::<SmtpServer>(), Err(error), "{text}");
        }
        assert!("smtp://user:pass@localhost?tls=none".parse::<SmtpServer>().is_ok());
    }
}
