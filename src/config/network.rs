use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use url::Host;

/// A place inside the network that calls may go to, an exception to the rule that they may not. It may also be
/// spoken to without TLS and on any port, unless it names one.
///
/// Written as an address (`10.0.0.5`), a range (`10.0.0.0/8`, RFC 4632) or a name (`erp.internal`), an address or
/// a name with a port behind it where only that one is meant (`127.0.0.1:9000`, `[::1]:9000`, `erp.internal:8443`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedAddress {
    place: Place,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Network(IpAddr, u8),
    Name(String),
}

/// Why something is no such place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no address, no range of addresses and no name")]
pub struct AllowedAddressError;

impl AllowedAddress {
    /// Whether a call to `host`, which stands for `address`, may go there. An IPv4 address that is written as IPv6
    /// (`::ffff:10.0.0.5`) is that IPv4 address.
    pub fn opens(&self, host: &str, address: SocketAddr) -> bool {
        let here = match &self.place {
            Place::Network(network, bits) => within(*network, *bits, address.ip().to_canonical()),
            Place::Name(name) => name == host,
        };
        here && self.port.is_none_or(|port| port == address.port())
    }

    fn one(ip: IpAddr, port: Option<u16>) -> Self {
        let network = ip.to_canonical();
        Self { place: Place::Network(network, if network.is_ipv4() { 32 } else { 128 }), port }
    }
}

/// Whether the first bits of two addresses of one kind are the same.
fn within(network: IpAddr, bits: u8, address: IpAddr) -> bool {
    let leading = |difference: u128| difference.leading_zeros() >= u32::from(bits);
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(ip)) => leading(u128::from(network.to_bits() ^ ip.to_bits()) << 96),
        (IpAddr::V6(network), IpAddr::V6(ip)) => leading(network.to_bits() ^ ip.to_bits()),
        _ => false,
    }
}

impl FromStr for AllowedAddress {
    type Err = AllowedAddressError;

    fn from_str(text: &str) -> Result<Self, AllowedAddressError> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self::one(address.ip(), Some(address.port())));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::one(address, None));
        }
        if let Some((ip, bits)) = text.split_once('/') {
            let network = ip.parse::<IpAddr>().map_err(|_| AllowedAddressError)?.to_canonical();
            let bits_max = if network.is_ipv4() { 32 } else { 128 };
            let bits = bits.parse().ok().filter(|bits| *bits <= bits_max).ok_or(AllowedAddressError)?;
            return Ok(Self { place: Place::Network(network, bits), port: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| AllowedAddressError)?)),
            None => (text, None),
        };
        match Host::parse(host) {
            // What looks like an address and is none (`10.0.0`) is a slip, not a name.
            Ok(Host::Domain(name)) if name.contains(|c: char| c.is_ascii_alphabetic()) => {
                Ok(Self { place: Place::Name(name), port })
            }
            _ => Err(AllowedAddressError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_ranges_and_ports_are_told_apart() {
        for (rule, address, contained) in [
            ("127.0.0.1:9000", "127.0.0.1:9000", true),
            ("127.0.0.1:9000", "127.0.0.1:9001", false),
            ("127.0.0.1:9000", "127.0.0.2:9000", false),
            ("10.0.0.0/8", "10.255.0.1:443", true),
            ("10.0.0.0/8", "11.0.0.1:443", false),
            ("10.0.0.0/8", "[::ffff:10.1.2.3]:443", true),
            ("10.1.2.3/31", "10.1.2.2:80", true),
            ("10.1.2.3/32", "10.1.2.2:80", false),
            ("0.0.0.0/0", "192.168.1.1:80", true),
            ("0.0.0.0/0", "[::1]:80", false),
            ("::1", "[::1]:80", true),
            ("[::1]:9000", "[::1]:80", false),
            ("fd00::/8", "[fdff::1]:80", true),
            ("fd00::/8", "[fe80::1]:80", false),
            ("::ffff:10.0.0.5", "10.0.0.5:80", true),
            ("erp.internal", "10.0.0.5:80", true),
            ("erp.internal:8443", "10.0.0.5:80", false),
            ("other.internal", "10.0.0.5:80", false),
        ] {
            let rule: AllowedAddress = rule.parse().unwrap();
            assert_eq!(rule.opens("erp.internal", address.parse().unwrap()), contained, "{rule:?} {address}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "a b",
            "erp:99999",
            "https://erp",
            "10.0.0.0/8:80",
            "10.0.0",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "::/129",
            "10.0.0.0/",
            "1.2.3.4:x",
        ] {
            assert_eq!(text.parse::<AllowedAddress>(), Err(AllowedAddressError), "{text}");
        }
    }
}
