use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Url};

use crate::config::AllowedAddress;

/// The ports that are open to everybody.
const USUAL_PORTS: [u16; 2] = [80, 443];

/// Networks of IPv4 that are not the public internet (IANA special-purpose registry, RFC 6890 and later).
const SPECIAL_V4: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Among them 169.254.169.254, where clouds hand out passwords.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// The only part of IPv6 that is the public internet. Loopback, unique local, link-local and multicast
/// addresses lie outside, and so do IPv4 addresses in the clothes of IPv6: mapped (`::ffff:0:0/96`) and
/// translated (`64:ff9b::/96`).
const GLOBAL_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Networks within it that are not public all the same: protocol assignments (Teredo, ORCHID, benchmarks),
/// documentation, and 6to4, which carries an IPv4 address.
const SPECIAL_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// What `lotse.yaml` allows beyond the public internet.
pub type AllowList = Vec<AllowedAddress>;

/// Why a call may not go where it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    /// No address of the web.
    #[error("`{0}` is not an address such as `https://erp.example.com/hooks`")]
    Url(String),
    /// A user or a password in the address, which also serves to make one host look like another.
    #[error("the address has a user or a password before its host: calls are signed, take it out")]
    User,
    /// Clear text, or a port that is not for the web, to a place that is not allowed by name.
    #[error(
        "`{0}` is neither `https` on port 80 or 443 nor allowed: use `https`, or add `{0}` to `allow_addresses` in `lotse.yaml`"
    )]
    Port(String),
    /// An address within a network that is not public.
    #[error(
        "`{host}` is {address}, which is inside a network: if that is meant, add `{address}` to `allow_addresses` in `lotse.yaml`"
    )]
    Address {
        /// The host of the URL.
        host: String,
        /// What it stands for.
        address: IpAddr,
    },
    /// A name without an address.
    #[error("`{host}` has no address: {why}")]
    Unknown {
        /// The host of the URL.
        host: String,
        /// What the system said.
        why: String,
    },
    /// The machine has no certificates to trust.
    #[error("TLS cannot be used: {0}; install the certificates of your system (`ca-certificates`)")]
    Tls(String),
}

/// Where a call goes, checked as far as its URL alone can be.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) url: Url,
    host: String,
    port: u16,
    encrypted: bool,
    allowed: AllowList,
}

impl Target {
    /// Takes a URL apart and checks what can be checked without looking a name up.
    pub(super) fn new(text: &str, allowed: &AllowList) -> Result<Self, GuardError> {
        let bad = || GuardError::Url(text.chars().take(200).collect());
        let url = Url::parse(text).map_err(|_| bad())?;
        let encrypted = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(bad()),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(GuardError::User);
        }
        let (host, literal) = match url.host().ok_or_else(bad)? {
            Host::Domain(name) => (name.to_owned(), None),
            Host::Ipv4(address) => (address.to_string(), Some(IpAddr::V4(address))),
            Host::Ipv6(address) => (address.to_string(), Some(IpAddr::V6(address))),
        };
        let port = url.port_or_known_default().ok_or_else(bad)?;
        let target = Self { url, host, port, encrypted, allowed: allowed.clone() };
        if let Some(address) = literal {
            target.check(address)?;
        } else if allowed.is_empty() && !target.is_usual() {
            return Err(target.unusual());
        }
        Ok(target)
    }

    /// The name to look up, and the port to connect to.
    pub(super) fn place(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// Whether the call may be made to an address that the host stands for. Every address is checked each
    /// time it was looked up, and no other is connected to: what a name stands for can change in between.
    pub(super) fn check(&self, address: IpAddr) -> Result<(), GuardError> {
        let place = SocketAddr::new(address, self.port);
        if self.allowed.iter().any(|allowed| allowed.opens(&self.host, place)) {
            Ok(())
        } else if !is_public(address) {
            Err(GuardError::Address { host: self.host.clone(), address })
        } else if !self.is_usual() {
            Err(self.unusual())
        } else {
            Ok(())
        }
    }

    fn is_usual(&self) -> bool {
        self.encrypted && USUAL_PORTS.contains(&self.port)
    }

    fn unusual(&self) -> GuardError {
        GuardError::Port(self.to_string())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.host_str().unwrap_or(&self.host);
        write!(f, "{host}:{}", self.port)
    }
}

/// Whether an address belongs to the public internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            !SPECIAL_V4.iter().any(|(network, bits)| contains((*network).into(), *bits, v4.into()))
        }
        IpAddr::V6(v6) => {
            let within = |(network, bits): (Ipv6Addr, u8)| contains(network.into(), bits, v6.into());
            within(GLOBAL_V6) && !SPECIAL_V6.into_iter().any(within)
        }
    }
}

/// Whether the first `bits` bits of both are the same, and both are of one kind.
fn contains(network: IpAddr, bits: u8, address: IpAddr) -> bool {
    let alike = |network: u128, address: u128, width: u8| {
        u32::from(width.saturating_sub(bits)) >= u128::BITS - (network ^ address).leading_zeros()
    };
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            alike(network.to_bits().into(), address.to_bits().into(), 32)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => alike(network.to_bits(), address.to_bits(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
