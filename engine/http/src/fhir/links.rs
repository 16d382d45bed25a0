//! Absolute URLs in answers: from the configured public base, or from how the client addressed
//! us. They are written into each answer and never into cached bytes.

use sluice_ids::EjId;
use sluice_mappings::fhir::FhirVersion;

use crate::call::Call;
use crate::host::is_host_byte;

/// `https://host/prefix`: the root of this server as the client sees it, no trailing slash.
pub(crate) fn root(call: &Call<'_>) -> String {
    let settings = &call.app.settings;
    if !settings.public_base.is_empty() {
        return settings.public_base.clone();
    }
    let mut scheme = if settings.tls.is_set() { "https" } else { "http" };
    // The gate has checked it: one, of characters that may stand in a URL.
    let mut host = crate::gate::host(call.parts).unwrap_or_default();
    let mut prefix = "";
    if settings.trust_forwarded {
        // Of several proxies the first is the one that the client reached.
        let first = |name| {
            let value = call.headers().get(name).and_then(|value| value.to_str().ok());
            value.map(|value| value.split(',').next().unwrap_or_default().trim())
        };
        let standard = first("forwarded").unwrap_or_default();
        let forwarded = |name, header| parameter(standard, name).or_else(|| first(header));
        match forwarded("proto", "x-forwarded-proto") {
            Some("https") => scheme = "https",
            Some("http") => scheme = "http",
            _ => {}
        }
        if let Some(name) = forwarded("host", "x-forwarded-host")
            && !name.is_empty()
            && name.bytes().all(is_host_byte)
        {
            host = name;
        }
        if let Some(path) = first("x-forwarded-prefix")
            && path.starts_with('/')
            && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~".contains(&b))
        {
            prefix = path.trim_end_matches('/');
        }
    }
    format!("{scheme}://{host}{prefix}")
}

/// `for=192.0.2.60; proto=https; host="fhir.example.org"` (RFC 7239 §4).
fn parameter<'v>(forwarded: &'v str, name: &str) -> Option<&'v str> {
    let mut pairs = forwarded.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name))?;
    Some(value.trim().trim_matches('"'))
}

/// The FHIR base of the request: the group's, or that of the EJ in the path.
pub(crate) fn base(call: &Call<'_>) -> String {
    match call.ej() {
        Some(ej) => base_of(call, ej, call.route.fhir),
        None => format!("{}/fhir/{}", root(call), call.route.fhir),
    }
}

/// The FHIR base of one EJ.
pub(crate) fn base_of(call: &Call<'_>, ej: EjId, fhir: FhirVersion) -> String {
    base_under(&root(call), ej, fhir)
}

/// The FHIR base of one EJ, of a server with that root.
pub(crate) fn base_under(root: &str, ej: EjId, fhir: FhirVersion) -> String {
    format!("{root}/ej/{ej}/fhir/{fhir}")
}
