//! Which addresses may be spoken to: HTTPS everywhere, plain HTTP on this machine only (the sandbox).

use url::{Host, Url};

/// A configured address that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Not an address at all.
    #[error(
        "\"{address}\" is not a web address ({why}); give one such as https://acme.my.salesforce.com"
    )]
    Malformed {
        /// What was given.
        address: String,
        /// Why not.
        why: String,
    },
    /// Plain HTTP to another machine would send the token in clear.
    #[error(
        "\"{address}\" is not HTTPS; tokens are sent in clear only to this machine (127.0.0.1, [::1], localhost): use https://"
    )]
    NotHttps {
        /// What was given.
        address: String,
    },
}

/// Checks an address and gives its origin (`https://host[:port]`, no trailing slash).
///
/// # Errors
/// [`HostError`] where it is no address, or plain HTTP off this machine.
pub fn check_host(address: &str) -> Result<String, HostError> {
    let malformed = |why: String| HostError::Malformed {
        address: super::excerpt::excerpt(address),
        why,
    };
    let url = Url::parse(address.trim()).map_err(|error| malformed(error.to_string()))?;
    let host = url
        .host()
        .ok_or_else(|| malformed("it has no host".to_owned()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(HostError::Malformed {
            address: host.to_string(),
            why: "it holds a user name".to_owned(),
        });
    }
    let local = match &host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    };
    match url.scheme() {
        "https" => {}
        "http" if local => {}
        "http" => {
            return Err(HostError::NotHttps {
                address: super::excerpt::excerpt(address),
            });
        }
        other => return Err(malformed(format!("the scheme {other} is not https"))),
    }
    Ok(url.origin().ascii_serialization())
}

/// Host and port of an absolute URL, for messages.
pub(crate) fn host_of(url: &str) -> String {
    Url::parse(url)
        .ok()
        .and_then(|url| {
            url.host_str().map(|host| match url.port() {
                Some(port) => format!("{host}:{port}"),
                None => host.to_owned(),
            })
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_is_required_off_this_machine() {
        let table = [
            ("https://acme.my.salesforce.com/", true),
            ("https://api.hubapi.com/crm", true),
            ("http://127.0.0.1:8080", true),
            ("http://[::1]:9", true),
            ("http://localhost:1234/", true),
            ("http://api.hubapi.com", false),
            ("http://127.0.0.1.evil.example", false),
            ("ftp://localhost", false),
            ("api.hubapi.com", false),
            ("https://user:pass@api.hubapi.com", false),
            ("", false),
        ];
        for (address, good) in table {
            assert_eq!(check_host(address).is_ok(), good, "{address}");
        }
        assert!(matches!(
            check_host("http://api.hubapi.com"),
            Err(HostError::NotHttps { .. })
        ));
    }

    #[test]
    fn the_origin_has_no_path_and_no_trailing_slash() {
        assert_eq!(
            check_host("https://acme.my.salesforce.com/some/path/").as_deref(),
            Ok("https://acme.my.salesforce.com")
        );
        assert_eq!(
            check_host("http://127.0.0.1:8080/").as_deref(),
            Ok("http://127.0.0.1:8080")
        );
    }
}
