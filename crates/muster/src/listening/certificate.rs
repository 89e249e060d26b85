//! The certificate of a listener: two PEM files, read again when they change, so that a renewed
//! certificate needs no restart and a broken one takes nobody down.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::error::CommandError;

/// Most certificates of a chain that are read.
const CHAIN_LENGTH_MAX: usize = 16;

/// A certificate chain and its private key, as they lie in two files. Clones share it.
#[derive(Debug, Clone)]
pub struct Certificate {
    shown: Arc<Shown>,
    config: Arc<ServerConfig>,
}

struct Shown {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Read>,
}

struct Read {
    key: Arc<CertifiedKey>,
    /// When the files were written that it was read from.
    written: [Option<SystemTime>; 2],
}

impl Certificate {
    /// Reads both files: PEM, the server's own certificate first, then what leads to a known root.
    ///
    /// # Errors
    /// A file cannot be read, holds no certificate or no key, or the two do not belong together.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, CommandError> {
        let current = RwLock::new(read(certificate, key)?);
        let shown = Arc::new(Shown { certificate: certificate.into(), key: key.into(), current });
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| CommandError::failed(format!("TLS cannot be set up: {error}")))?
            .with_no_client_auth()
            .with_cert_resolver(shown.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { shown, config: Arc::new(config) })
    }

    /// Reads the files again if either was written since, and says whether another certificate is
    /// shown from now on.
    ///
    /// # Errors
    /// As [`Certificate::read`]; then the one that was read before is shown on.
    pub fn refresh(&self) -> Result<bool, CommandError> {
        let Shown { certificate, key, current } = &*self.shown;
        let before = current.read().unwrap_or_else(PoisonError::into_inner).written;
        if before == [written(certificate), written(key)] {
            return Ok(false);
        }
        let fresh = read(certificate, key)?;
        *current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(true)
    }

    /// What a listener greets clients with: TLS 1.2 and 1.3, HTTP/1.1.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        self.config.clone()
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).key.clone())
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.certificate.display())
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn written(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|found| found.modified()).ok()
}

fn read(certificate: &Path, key: &Path) -> Result<Read, CommandError> {
    // Taken before the files are read: what is written meanwhile is read again next time.
    let written = [written(certificate), written(key)];
    let refused = |path: &Path, why: &dyn fmt::Display| {
        CommandError::usage(format!("{}: {why}", path.display()))
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .map_err(|error| refused(certificate, &error))?
        .take(CHAIN_LENGTH_MAX)
        .collect::<Result<_, _>>()
        .map_err(|error| refused(certificate, &error))?;
    if chain.is_empty() {
        return Err(refused(certificate, &"there is no certificate in it")
            .hint("`tls_certificate` names a PEM file with the server's chain."));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| {
        refused(key, &error).hint("`tls_key` names a PEM file with the unencrypted private key.")
    })?;
    let key = CertifiedKey::from_der(chain, private, &provider()).map_err(|error| {
        refused(key, &error).hint("The key has to be the one the certificate was made for.")
    })?;
    Ok(Read { key: Arc::new(key), written })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem(names: &[&str]) -> (String, String) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        std::fs::write(&certificate, pem(&["a.example.com"]).0).unwrap();
        std::fs::write(&key, pem(&["a.example.com"]).1).unwrap();
        let refused = Certificate::read(&certificate, &key).unwrap_err().to_string();
        assert!(refused.contains("the one the certificate was made for"), "{refused}");
    }

    #[test]
    fn files_without_what_they_should_hold_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        let refused = Certificate::read(&certificate, &key).unwrap_err().to_string();
        assert!(refused.contains("c.pem"), "{refused}");
        std::fs::write(&certificate, "").unwrap();
        let refused = Certificate::read(&certificate, &key).unwrap_err().to_string();
        assert!(refused.contains("there is no certificate in it"), "{refused}");
        std::fs::write(&certificate, pem(&["a.example.com"]).0).unwrap();
        std::fs::write(&key, "nothing").unwrap();
        let refused = Certificate::read(&certificate, &key).unwrap_err().to_string();
        assert!(refused.contains("k.pem"), "{refused}");
    }

    #[test]
    fn a_broken_renewal_leaves_the_certificate_before_it_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        let first = pem(&["a.example.com"]);
        std::fs::write(&certificate, &first.0).unwrap();
        std::fs::write(&key, &first.1).unwrap();
        let read = Certificate::read(&certificate, &key).unwrap();
        let shown = || read.shown.current.read().unwrap().key.cert[0].clone();
        let before = shown();
        assert!(!read.refresh().unwrap(), "nothing was written");
        let later = SystemTime::now() + std::time::Duration::from_secs(60);
        let write = |path: &Path, text: &str, at: SystemTime| {
            std::fs::write(path, text).unwrap();
            std::fs::File::options().append(true).open(path).unwrap().set_modified(at).unwrap();
        };
        write(&certificate, "half a", later);
        assert!(read.refresh().is_err());
        assert_eq!(shown(), before);
        let second = pem(&["b.example.com"]);
        write(&certificate, &second.0, later);
        write(&key, &second.1, later);
        assert!(read.refresh().unwrap());
        assert_ne!(shown(), before);
    }
}
