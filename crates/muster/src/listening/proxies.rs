//! Where a request comes from, behind proxies: what a proxy says is believed only of those that the
//! configuration names, since anybody can send the header.

use std::net::IpAddr;

use axum::http::HeaderMap;
use ipnet::IpNet;

/// The header in which proxies say whom they speak for, each adding an address at its end.
const FORWARDED_FOR: &str = "x-forwarded-for";
/// Most proxies between a client and us.
const HOP_COUNT_MAX: usize = 16;

/// The networks of the proxies that are believed.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Proxies by address (`10.0.0.7`) or network (`10.0.0.0/8`).
    ///
    /// # Errors
    /// The text that is neither.
    pub fn parse(texts: &[String]) -> Result<Self, String> {
        let network = |text: &String| {
            text.parse()
                .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| text.clone())
        };
        texts.iter().map(network).collect::<Result<_, _>>().map(Self)
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client's address: the last one in `X-Forwarded-For` that is no trusted proxy, if the
    /// connection itself comes from one; else the connection's.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trust(client) {
            return client;
        }
        // Of several headers of this name the later ones were added later (RFC 9110 5.3).
        let said = headers.get_all(FORWARDED_FOR).into_iter().rev();
        let hops = said.flat_map(|value| value.to_str().unwrap_or("?").rsplit(','));
        for hop in hops.take(HOP_COUNT_MAX) {
            // What is no address was not written by a proxy of ours: what stands before it is not
            // believed either.
            let Some(address) = address(hop.trim()) else { return client };
            client = address;
            if !self.trust(client) {
                return client;
            }
        }
        client
    }
}

/// An address, with or without a port: `192.0.2.1`, `192.0.2.1:443`, `[2001:db8::1]:443`.
fn address(text: &str) -> Option<IpAddr> {
    let found =
        text.parse().or_else(|_| text.parse().map(|found: std::net::SocketAddr| found.ip()));
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    found.ok().or_else(bare).map(|found: IpAddr| found.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(peer: &str, said: &[&str], expected: &str) {
        let proxies = Proxies::parse(&["10.0.0.0/8".into(), "127.0.0.1".into()]).unwrap();
        let mut headers = HeaderMap::new();
        for value in said {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        let found = proxies.client(peer.parse().unwrap(), &headers);
        assert_eq!(found.to_string(), expected, "{peer} {said:?}");
    }

    #[test]
    fn a_proxy_is_believed_only_when_it_is_named() {
        check("127.0.0.1", &[], "127.0.0.1");
        check("127.0.0.1", &["192.0.2.1"], "192.0.2.1");
        check("::ffff:127.0.0.1", &["192.0.2.1"], "192.0.2.1");
        check("198.51.100.1", &["192.0.2.1"], "198.51.100.1");
    }

    #[test]
    fn what_a_client_made_up_before_it_met_a_proxy_is_not_believed() {
        check("127.0.0.1", &["203.0.113.9, 192.0.2.1"], "192.0.2.1");
        check("127.0.0.1", &["203.0.113.9, 192.0.2.1, 10.1.2.3"], "192.0.2.1");
        check("127.0.0.1", &["203.0.113.9", "192.0.2.1"], "192.0.2.1");
        check("127.0.0.1", &["192.0.2.1, nonsense, 10.1.2.3"], "10.1.2.3");
    }

    #[test]
    fn addresses_come_with_ports_too() {
        check("127.0.0.1", &["192.0.2.1:4711"], "192.0.2.1");
        check("127.0.0.1", &["[2001:db8::1]:443"], "2001:db8::1");
        check("127.0.0.1", &["[2001:db8::1]"], "2001:db8::1");
    }

    #[test]
    fn what_is_no_network_is_named() {
        assert_eq!(Proxies::parse(&["proxy.example.com".into()]).unwrap_err(), "proxy.example.com");
    }
}
