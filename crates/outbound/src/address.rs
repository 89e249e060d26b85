//! Where requests may go: the public internet, and private networks only by name.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// The hosts of private or loopback networks that a half of this installation allows.
#[derive(Debug, Clone)]
pub struct Outbound {
    private_hosts: Arc<BTreeSet<String>>,
    section: &'static str,
}

impl Default for Outbound {
    fn default() -> Self {
        Self { private_hosts: Arc::default(), section: "directory" }
    }
}

impl Outbound {
    /// Allows these private hosts, by the name or address that stands in the URL.
    pub fn allow(private_hosts: impl IntoIterator<Item = String>) -> Self {
        let lower = private_hosts.into_iter().map(|host| host.to_ascii_lowercase());
        Self { private_hosts: Arc::new(lower.collect()), ..Self::default() }
    }

    /// The section of `muster.toml` that whoever is refused is told to add the host to.
    #[must_use]
    pub fn in_section(self, section: &'static str) -> Self {
        Self { section, ..self }
    }

    /// Checks a URL that must be https. A host that is allowed by name may be reached over http: it
    /// lies in a network of the installation's own.
    ///
    /// # Errors
    /// As [`Outbound::check`].
    pub fn check_https(&self, url: &Url) -> Result<(), String> {
        self.check(url)?;
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        if url.scheme() == "https" || self.private_hosts.contains(&host) {
            return Ok(());
        }
        Err(format!("{url} is not https, and what is sent there could be read on the way"))
    }

    /// A client that follows no redirect, asks no proxy, and connects only to addresses that may be
    /// reached: the address that was checked is the one that is connected to, so that a name cannot
    /// point elsewhere in between.
    pub fn client_builder(&self) -> reqwest::ClientBuilder {
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(self.clone()))
            .no_proxy()
    }

    /// Checks a URL before anything is sent. Names are checked again when they are resolved, so a
    /// name that later points into a private network is refused then.
    ///
    /// # Errors
    /// The sentence that says why, and what to do.
    pub fn check(&self, url: &Url) -> Result<(), String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("{url} is neither http nor https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the URL holds credentials; give the token separately".into());
        }
        let address = match url.host() {
            None => return Err(format!("{url} names no host")),
            Some(Host::Domain(name)) if name.eq_ignore_ascii_case("localhost") => {
                IpAddr::from([127, 0, 0, 1])
            }
            Some(Host::Domain(_)) => return Ok(()),
            Some(Host::Ipv4(address)) => address.into(),
            Some(Host::Ipv6(address)) => address.into(),
        };
        let host = url.host_str().unwrap_or_default();
        self.check_address(host, address)
    }

    fn check_address(&self, host: &str, address: IpAddr) -> Result<(), String> {
        let allowed = self.private_hosts.contains(&host.to_ascii_lowercase());
        if is_public(address) || allowed {
            return Ok(());
        }
        Err(format!(
            "{host} lies in a private network ({address}), where requests are refused; if it is meant, add \"{host}\" to private_hosts under [{}]",
            self.section
        ))
    }
}

/// Resolves names and drops addresses that may not be reached.
impl Resolve for Outbound {
    fn resolve(&self, name: Name) -> Resolving {
        let outbound = self.clone();
        Box::pin(async move {
            let host = name.as_str().to_string();
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let mut refused = None;
            let mut allowed = Vec::with_capacity(found.len());
            for address in found {
                match outbound.check_address(&host, address.ip()) {
                    Ok(()) => allowed.push(address),
                    Err(reason) => refused = Some(reason),
                }
            }
            match (allowed.is_empty(), refused) {
                (true, Some(reason)) => Err(reason.into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_multicast()
                || v4.is_documentation()
                || (a == 100 && (64..128).contains(&b)) // carrier-grade NAT, RFC 6598
                || (a == 192 && b == 0 && c == 0) // protocol assignments, RFC 6890
                || (a == 192 && b == 88 && c == 99) // 6to4 relays, RFC 7526
                || (a == 198 && (18..20).contains(&b)) // benchmarking, RFC 2544
                || a == 0
                || a >= 240)
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_public(v4.into()),
            None => {
                let [first, second, ..] = v6.segments();
                !(v6.is_loopback()
                    || v6.is_unspecified()
                    || v6.is_multicast()
                    || (first & 0xfe00) == 0xfc00 // unique local, RFC 4193
                    || (first & 0xffc0) == 0xfe80 // link local
                    || (first & 0xffc0) == 0xfec0 // site local, RFC 3879
                    || first == 0 // addresses of IPv4 within, RFC 4291 2.5.5.1
                    || first == 0x2002 // 6to4 of anything, RFC 3056
                    || (first == 0x2001 && second < 0x0200) // Teredo of anything and other protocols
                    || (first == 0x2001 && second == 0x0db8)
                    || (first == 0x3fff && second < 0x1000) // documentation, RFC 9637
                    || (first == 0x0064 && second == 0xff9b)) // NAT64 of anything
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(outbound: &Outbound, url: &str) -> Result<(), String> {
        outbound.check(&Url::parse(url).unwrap())
    }

    #[test]
    fn private_and_loopback_addresses_are_refused_unless_named() {
        let closed = Outbound::default();
        for url in [
            "http://127.0.0.1:8081/scim2",
            "http://localhost/scim2",
            "http://10.1.2.3/",
            "http://192.168.0.1/",
            "http://169.254.169.254/latest/meta-data",
            "http://100.64.0.1/",
            "http://0.0.0.0/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[fd00::1]/",
            "http://[fe80::1]/",
            "http://[fec0::1]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://[2001:0:7f00:1::]/",
            "http://2130706433/",
        ] {
            assert!(check(&closed, url).is_err(), "{url}");
        }
        assert!(check(&closed, "https://api.zoom.us/scim2").is_ok());
        assert!(check(&closed, "https://8.8.8.8/scim2").is_ok());
        assert!(check(&closed, "https://[2001:4860:4860::8888]/scim2").is_ok());
        assert!(check(&closed, "https://[2606:4700::1111]/scim2").is_ok());
        let open = Outbound::allow(["127.0.0.1".to_string()]);
        assert!(check(&open, "http://127.0.0.1:8081/scim2").is_ok());
        assert!(check(&open, "http://127.0.0.2:8081/scim2").is_err());
    }

    #[test]
    fn other_schemes_and_credentials_in_the_url_are_refused() {
        for url in ["file:///etc/passwd", "ftp://example.com/", "https://u:p@example.com/"] {
            assert!(check(&Outbound::default(), url).is_err(), "{url}");
        }
    }

    #[test]
    fn plain_http_is_refused_but_to_hosts_that_are_named() {
        let check = |outbound: &Outbound, url: &str| {
            outbound
                .check_https(&Url::parse(url).unwrap())
                .map_err(|reason| reason.contains("https"))
        };
        let named = Outbound::allow(["127.0.0.1".to_string()]).in_section("service_provider");
        assert_eq!(check(&named, "https://hooks.example.com/a"), Ok(()));
        assert_eq!(check(&named, "http://127.0.0.1:99/a"), Ok(()));
        assert_eq!(check(&named, "http://hooks.example.com/a"), Err(true));
        assert_eq!(check(&named, "https://127.0.0.2/a"), Err(false));
        let told = named.check(&Url::parse("https://10.0.0.1/").unwrap()).unwrap_err();
        assert!(told.ends_with("under [service_provider]"), "{told}");
    }

    #[tokio::test]
    async fn a_name_that_resolves_into_a_private_network_is_refused() {
        let name = |host: &str| host.parse::<Name>().unwrap();
        assert!(Outbound::default().resolve(name("localhost")).await.is_err());
        let open = Outbound::allow(["localhost".to_string()]);
        assert!(open.resolve(name("localhost")).await.is_ok());
    }
}
