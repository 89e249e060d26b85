//! Which client needs which tolerance. Which tolerances there are is the standard's business; who
//! needs them is data, here.

use std::sync::LazyLock;

use scim::{Tolerance, Tolerances, Tolerated};

/// The client a token is given to, as far as its manners go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// Whatever can be understood in one way only.
    #[default]
    Any,
    /// Okta, from its catalogue and from the App Integration Wizard.
    Okta,
    /// Microsoft Entra ID, with and without `aadOptscim062020`.
    Entra,
    /// OneLogin, whose bodies are an administrator's template.
    OneLogin,
    /// JumpCloud's custom SCIM integration.
    JumpCloud,
    /// Google Workspace's automated provisioning.
    Google,
    /// PingOne and PingFederate.
    Ping,
    /// The letter of RFC 7643 and RFC 7644.
    Rfc,
}

/// Okta's departures: `id` in the value of a group's rename (sent with every membership change),
/// mapped attributes or schemas the server has not heard of, and members that were deleted here
/// since they were pushed.
const OKTA: &[Tolerance] = &[
    Tolerance::ReadOnlyInValue,
    Tolerance::UnknownAttribute,
    Tolerance::UnknownSchema,
    Tolerance::NumberAsString,
    Tolerance::UnknownMember,
];

/// Entra ID's departures, of its default form (capitalised ops, `"False"`, members removed by a
/// list of values, its own Group schema) and of `aadOptscim062020` (dotted, URN and filter keys in
/// one path-less value). Its documents also show a filter without quotes.
const ENTRA: &[Tolerance] = &[
    Tolerance::CapitalisedOp,
    Tolerance::BooleanAsString,
    Tolerance::DottedKey,
    Tolerance::UrnKey,
    Tolerance::FilterKey,
    Tolerance::RemovalByValueList,
    Tolerance::UnquotedLiteral,
    Tolerance::ReadOnlyInValue,
    Tolerance::UnknownAttribute,
    Tolerance::UnknownSchema,
    Tolerance::ReplaceCreates,
    Tolerance::BareValueForComplex,
    Tolerance::MultipleForSingle,
    Tolerance::NumberAsString,
    Tolerance::EmptyOperations,
    Tolerance::UnknownMember,
];

/// OneLogin's departures: an administrator writes the body, down to `schemas`, which in old
/// templates is that of SCIM 1.1; what has no value comes as an empty text.
const ONELOGIN: &[Tolerance] = &[
    Tolerance::MissingSchemas,
    Tolerance::UnknownSchema,
    Tolerance::UnknownAttribute,
    Tolerance::ReadOnlyInValue,
    Tolerance::BooleanAsString,
    Tolerance::NumberAsString,
    Tolerance::SingleForMultiple,
    Tolerance::BareValueForComplex,
    Tolerance::UnknownMember,
];

/// Google's departures: attributes of its own mappings, and `schemas` of extensions that an
/// application may not have.
const GOOGLE: &[Tolerance] = &[
    Tolerance::UnknownAttribute,
    Tolerance::UnknownSchema,
    Tolerance::ReadOnlyInValue,
    Tolerance::NumberAsString,
];

/// Ping's departures: mapped attributes an application may not have, members deleted here since.
const PING: &[Tolerance] = &[
    Tolerance::UnknownAttribute,
    Tolerance::UnknownSchema,
    Tolerance::ReadOnlyInValue,
    Tolerance::NumberAsString,
    Tolerance::UnknownMember,
];

/// JumpCloud's departures: members removed by a list of values, sloppy `schemas`.
const JUMPCLOUD: &[Tolerance] = &[
    Tolerance::RemovalByValueList,
    Tolerance::MissingSchemas,
    Tolerance::UnknownAttribute,
    Tolerance::UnknownSchema,
    Tolerance::ReadOnlyInValue,
    Tolerance::UnknownMember,
];

/// Of Entra's, the one that contradicts the RFC instead of adding to it: RFC 7644 3.5.2.3 says
/// 400 noTarget where a value filter matches nothing. Clients that hold to the RFC rely on it, so
/// only Entra departs: a token that is known to be Entra's, or a request that nobody else sends.
const NOT_FOR_ANYBODY: &[Tolerance] = &[Tolerance::ReplaceCreates];

/// What only Entra does, each in one of its two forms.
const MARKS_OF_ENTRA: &[Tolerance] =
    &[Tolerance::CapitalisedOp, Tolerance::FilterKey, Tolerance::BooleanAsString];

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 8] = [
        Self::Any,
        Self::Okta,
        Self::Entra,
        Self::OneLogin,
        Self::JumpCloud,
        Self::Google,
        Self::Ping,
        Self::Rfc,
    ];

    /// The name in the database, in configuration and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Okta => "okta",
            Self::Entra => "entra",
            Self::OneLogin => "onelogin",
            Self::JumpCloud => "jumpcloud",
            Self::Google => "google",
            Self::Ping => "ping",
            Self::Rfc => "rfc",
        }
    }

    /// The dialect of this name, whatever its case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.as_str().eq_ignore_ascii_case(name))
    }

    /// Which departures from the RFCs are accepted.
    pub fn tolerances(self) -> &'static Tolerances {
        static SETS: LazyLock<[Tolerances; 8]> = LazyLock::new(|| {
            let of = |set: &[Tolerance]| Tolerances::of(set.iter().copied());
            let any = Tolerance::ALL.into_iter();
            let any = any.filter(|tolerance| !NOT_FOR_ANYBODY.contains(tolerance));
            let named = [OKTA, ENTRA, ONELOGIN, JUMPCLOUD, GOOGLE, PING].map(of);
            let [okta, entra, onelogin, jumpcloud, google, ping] = named;
            let (any, rfc) = (Tolerances::of(any), Tolerances::none());
            [any, okta, entra, onelogin, jumpcloud, google, ping, rfc]
        });
        match self {
            Self::Any => &SETS[0],
            Self::Okta => &SETS[1],
            Self::Entra => &SETS[2],
            Self::OneLogin => &SETS[3],
            Self::JumpCloud => &SETS[4],
            Self::Google => &SETS[5],
            Self::Ping => &SETS[6],
            Self::Rfc => &SETS[7],
        }
    }

    /// Whether `replace` creates what its value filter does not find, in a request for which these
    /// had to be tolerated.
    pub(crate) fn replace_creates(self, tolerated: &[Tolerated]) -> bool {
        let marks_entra = |one: &Tolerated| MARKS_OF_ENTRA.contains(&one.tolerance);
        self == Self::Any && tolerated.iter().any(marks_entra)
    }

    /// Whether a PATCH of a group answers 204 and no body: "PATCH should return 204" says Entra.
    pub(crate) fn wants_groups_unshown(self) -> bool {
        self == Self::Entra
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_accepts_all_but_what_contradicts_the_rfc_and_rfc_nothing() {
        for tolerance in Tolerance::ALL {
            let accepted = Dialect::Any.tolerances().allows(tolerance);
            assert_eq!(accepted, !NOT_FOR_ANYBODY.contains(&tolerance), "{tolerance:?}");
        }
        assert_eq!(Dialect::Rfc.tolerances(), &Tolerances::none());
        let told = [
            (Dialect::OneLogin, Tolerance::MissingSchemas),
            (Dialect::JumpCloud, Tolerance::RemovalByValueList),
            (Dialect::Google, Tolerance::UnknownAttribute),
            (Dialect::Ping, Tolerance::UnknownMember),
        ];
        assert!(told.iter().all(|(dialect, one)| dialect.tolerances().allows(*one)));
    }

    #[test]
    fn names_lead_back_to_dialects() {
        for dialect in Dialect::ALL {
            assert_eq!(Dialect::from_name(&dialect.as_str().to_uppercase()), Some(dialect));
        }
        assert_eq!(Dialect::from_name("zoom"), None);
    }
}
