use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// Addresses inside the network that calls may go to, an exception to the rule that they may not.
///
/// Written as an address (`10.0.0.5`), with a port (`127.0.0.1:9000`, `[::1]:9000`), or as a range
/// (`10.0.0.0/8`, RFC 4632).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllowedAddress {
    network: IpAddr,
    prefix_bits: u8,
    port: Option<u16>,
}

/// Why something is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no address, and no range of addresses")]
pub struct AllowedAddressError;

impl AllowedAddress {
    /// Whether a call may go to this address. An IPv4 address that is written as IPv6 (`::ffff:10.0.0.5`) is
    /// that IPv4 address.
    pub fn contains(&self, address: SocketAddr) -> bool {
        let same = match (self.network, address.ip().to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(ip)) => {
                leading(u128::from(network.to_bits() ^ ip.to_bits()) << 96, self.prefix_bits)
            }
            (IpAddr::V6(network), IpAddr::V6(ip)) => {
                leading(network.to_bits() ^ ip.to_bits(), self.prefix_bits)
            }
            _ => false,
        };
        same && self.port.is_none_or(|port| port == address.port())
    }
}

/// Whether the first bits of a difference are zero.
fn leading(difference: u128, bits: u8) -> bool {
    difference.leading_zeros() >= u32::from(bits)
}

impl FromStr for AllowedAddress {
    type Err = AllowedAddressError;

    fn from_str(text: &str) -> Result<Self, AllowedAddressError> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self { port: Some(address.port()), ..Self::one(address.ip()) });
        }
        let (ip, bits) = text.split_once('/').map_or((text, None), |(ip, bits)| (ip, Some(bits)));
        let one = Self::one(ip.parse().map_err(|_| AllowedAddressError)?);
        let Some(bits) = bits else { return Ok(one) };
        let prefix_bits = bits.parse().ok().filter(|bits| *bits <= one.prefix_bits);
        Ok(Self { prefix_bits: prefix_bits.ok_or(AllowedAddressError)?, ..one })
    }
}

impl AllowedAddress {
    fn one(ip: IpAddr) -> Self {
        let network = ip.to_canonical();
        let prefix_bits = if network.is_ipv4() { 32 } else { 128 };
        Self { network, prefix_bits, port: None }
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
        ] {
            let rule: AllowedAddress = rule.parse().unwrap();
            assert_eq!(rule.contains(address.parse().unwrap()), contained, "{rule:?} {address}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", "localhost", "10.0.0", "10.0.0.0/33", "10.0.0.0/-1", "::/129", "10.0.0.0/", "1.2.3.4:x"]
        {
            assert_eq!(text.parse::<AllowedAddress>(), Err(AllowedAddressError), "{text}");
        }
    }
}
