//! Authority → FHIR identifier system, scoped by what it numbers (DESIGN §3: lookup goes
//! through the identifier index, scoped by authority).

use crate::entity::{AssigningAuthority, AuthorityUse, LegalEntity};

/// CX-4 or EI-2..4 as plain texts; empty where absent.
#[derive(Clone, Copy, Default)]
pub(super) struct Authority<'a> {
    pub namespace: &'a str,
    pub universal_id: &'a str,
    pub universal_id_type: &'a str,
}

impl Authority<'_> {
    fn is_empty(&self) -> bool {
        self.namespace.is_empty() && self.universal_id.is_empty()
    }
}

/// An identifier system, and its authority's place in the EJ's order; those that the EJ does
/// not declare come last.
pub(super) struct System {
    pub uri: String,
    pub rank: usize,
}

/// The system of an identifier in a role. An empty authority is the EJ's own for that role.
pub(super) fn system(entity: &LegalEntity, authority: Authority<'_>, role: AuthorityUse) -> System {
    let declared = &entity.settings.authority;
    let named =
        |candidate: &AssigningAuthority| authority.is_empty() || is_named(candidate, &authority);
    // One declared for the very role goes before one for any role.
    let found = [role, AuthorityUse::Any]
        .into_iter()
        .find_map(|r#use| declared.iter().position(|c| c.r#use == r#use && named(c)));
    match found {
        Some(rank) => System { uri: declared[rank].system.clone(), rank },
        None => System { uri: undeclared(entity, &authority, role), rank: declared.len() },
    }
}

/// By universal id where the message and the declaration have one, else by namespace.
fn is_named(candidate: &AssigningAuthority, authority: &Authority<'_>) -> bool {
    if !authority.universal_id.is_empty() && !candidate.universal_id.is_empty() {
        return candidate.universal_id.eq_ignore_ascii_case(authority.universal_id);
    }
    !authority.namespace.is_empty() && candidate.namespace.eq_ignore_ascii_case(authority.namespace)
}

fn undeclared(entity: &LegalEntity, authority: &Authority<'_>, role: AuthorityUse) -> String {
    let id = authority.universal_id;
    match authority.universal_id_type {
        "ISO" if is_oid(id) => return format!("urn:oid:{id}"),
        "UUID" | "GUID" if uuid::Uuid::try_parse(id).is_ok() => {
            return format!("urn:uuid:{}", id.to_ascii_lowercase());
        }
        "URI" if id.contains(':') && !id.contains(char::is_whitespace) => return id.to_owned(),
        _ => {}
    }
    let name = match (authority.namespace, id) {
        ("", "") => role_name(role),
        ("", id) => id,
        (namespace, _) => namespace,
    };
    local(entity, name)
}

/// `urn:x-sluice:<EJ>:<name>`, for what nobody has given a URI.
pub(super) fn local(entity: &LegalEntity, name: &str) -> String {
    let ej = entity.id();
    let mut uri = String::with_capacity(14 + ej.as_str().len() + name.len());
    uri.push_str("urn:x-sluice:");
    uri.push_str(ej.as_str());
    uri.push(':');
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

fn is_oid(text: &str) -> bool {
    text.contains('.')
        && text.split('.').all(|arc| !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit()))
}

const fn role_name(role: AuthorityUse) -> &'static str {
    match role {
        AuthorityUse::Patient => "patient",
        AuthorityUse::Visit => "visit",
        AuthorityUse::Account => "account",
        AuthorityUse::Movement => "movement",
        AuthorityUse::Unit => "unit",
        AuthorityUse::Any => "any",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adt::testing::entity_of;

    const CHULY: Authority<'static> =
        Authority { namespace: "CHULY", universal_id: "699000014", universal_id_type: "M" };

    fn entity() -> LegalEntity {
        entity_of(
            r#"[
                {"namespace":"CHULY","universal_id":"699000014","system":"https://x/ipp","use":"patient"},
                {"namespace":"CHULY","universal_id":"699000014","system":"https://x/venue","use":"visit"},
                {"namespace":"REGION","system":"https://x/region","use":"any"}
            ]"#,
        )
    }

    #[test]
    fn one_authority_stands_for_one_system_in_each_role() {
        let entity = entity();
        assert_eq!(system(&entity, CHULY, AuthorityUse::Patient).uri, "https://x/ipp");
        assert_eq!(system(&entity, CHULY, AuthorityUse::Visit).uri, "https://x/venue");
        assert_eq!(system(&entity, CHULY, AuthorityUse::Movement).uri, "urn:x-sluice:EJ1:CHULY");
    }

    #[test]
    fn a_universal_id_goes_before_a_namespace() {
        let other = Authority { universal_id: "699000022", ..CHULY };
        assert_eq!(system(&entity(), other, AuthorityUse::Patient).uri, "urn:x-sluice:EJ1:CHULY");
        let by_name = Authority { universal_id: "", ..CHULY };
        assert_eq!(system(&entity(), by_name, AuthorityUse::Patient).uri, "https://x/ipp");
    }

    #[test]
    fn an_empty_authority_is_the_ejs_own_for_that_role() {
        let none = Authority::default();
        assert_eq!(system(&entity(), none, AuthorityUse::Visit).uri, "https://x/venue");
        assert_eq!(system(&entity(), none, AuthorityUse::Account).uri, "https://x/region");
        assert_eq!(
            system(&entity_of("[]"), none, AuthorityUse::Visit).uri,
            "urn:x-sluice:EJ1:visit"
        );
    }

    #[test]
    fn an_undeclared_authority_keeps_its_own_universal_id() {
        let entity = entity();
        let of = |namespace, universal_id, universal_id_type| {
            let authority = Authority { namespace, universal_id, universal_id_type };
            system(&entity, authority, AuthorityUse::Patient).uri
        };
        assert_eq!(of("X", "1.2.250.1", "ISO"), "urn:oid:1.2.250.1");
        assert_eq!(
            of("X", "6F9619FF-8B86-D011-B42D-00CF4FC964FF", "UUID"),
            "urn:uuid:6f9619ff-8b86-d011-b42d-00cf4fc964ff"
        );
        assert_eq!(of("SIMULATOR MRN", "MRN", ""), "urn:x-sluice:EJ1:SIMULATOR%20MRN");
        assert_eq!(of("", "abc", "L"), "urn:x-sluice:EJ1:abc");
        assert_eq!(of("Ö", "not an oid", "ISO"), "urn:x-sluice:EJ1:%C3%96");
    }
}
