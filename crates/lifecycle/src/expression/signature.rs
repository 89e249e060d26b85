//! How each function is called.

use super::functions::Function;
use super::types::Type;

/// Whether a function stands behind its first value or around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `user.title.trim()`
    Behind,
    /// `lower(user.title)`
    Around,
    /// Both: `size(user.emails)`, `user.emails.size()`.
    Either,
}

/// What an argument may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Text,
    Int,
    Texts,
    TextOrList,
    /// Whatever has one plain value.
    Single,
    /// A string, or a point in time.
    Moment,
    /// A string, or a number.
    Number,
}

/// How a function is called.
pub(super) struct Signature {
    pub(super) name: &'static str,
    pub(super) function: Function,
    pub(super) form: Form,
    /// With the value it stands behind as the first.
    pub(super) takes: &'static [Takes],
    /// How many of the last ones may be left out.
    pub(super) optional: usize,
    pub(super) example: &'static str,
}

const fn signature(
    name: &'static str,
    function: Function,
    form: Form,
    takes: &'static [Takes],
    optional: usize,
    example: &'static str,
) -> Signature {
    Signature { name, function, form, takes, optional, example }
}

/// All of them. The names of CEL and its strings extension first, then Muster's own.
pub(super) static SIGNATURES: [Signature; 22] = {
    use Form::{Around, Behind, Either};
    use Function::*;
    use Takes::{Int as Whole, Moment, Number, Single, Text, TextOrList, Texts};
    [
        signature(
            "startsWith",
            StartsWith,
            Behind,
            &[Text, Text],
            0,
            "user.title.startsWith(\"Lead\")",
        ),
        signature(
            "endsWith",
            EndsWith,
            Behind,
            &[Text, Text],
            0,
            "user.title.endsWith(\"Engineer\")",
        ),
        signature("contains", Contains, Behind, &[Text, Text], 0, "user.title.contains(\"Sales\")"),
        signature("lowerAscii", LowerAscii, Behind, &[Text], 0, "user.userName.lowerAscii()"),
        signature("upperAscii", UpperAscii, Behind, &[Text], 0, "user.country.upperAscii()"),
        signature("trim", Trim, Behind, &[Text], 0, "user.title.trim()"),
        signature(
            "replace",
            Replace,
            Behind,
            &[Text, Text, Text, Whole],
            1,
            "user.userName.replace(\" \", \".\")",
        ),
        signature(
            "substring",
            Substring,
            Behind,
            &[Text, Whole, Whole],
            1,
            "user.name.familyName.substring(0, 3)",
        ),
        signature("split", Split, Behind, &[Text, Text, Whole], 1, "user.userName.split(\"@\")"),
        signature("join", Join, Behind, &[Texts, Text], 1, "[\"a\", \"b\"].join(\".\")"),
        signature("size", Size, Either, &[TextOrList], 0, "size(user.emails)"),
        signature("string", String, Around, &[Single], 0, "string(12)"),
        signature("int", Int, Around, &[Number], 0, "int(user.employeeNumber)"),
        signature("double", Double, Around, &[Number], 0, "double(user.employeeNumber)"),
        signature(
            "timestamp",
            Timestamp,
            Around,
            &[Moment],
            0,
            "timestamp(\"2026-01-31T00:00:00Z\")",
        ),
        signature("date", Date, Around, &[Moment], 0, "date(\"2026-01-31\")"),
        signature("ascii", Ascii, Around, &[Text], 0, "ascii(user.name.familyName)"),
        signature("lower", Lower, Around, &[Text], 0, "lower(user.userName)"),
        signature("upper", Upper, Around, &[Text], 0, "upper(user.country)"),
        signature("initial", Initial, Around, &[Text], 0, "initial(user.name.givenName)"),
        signature("domain", Domain, Around, &[Text], 0, "domain(user.userName)"),
        signature("localPart", LocalPart, Around, &[Text], 0, "localPart(user.userName)"),
    ]
};

impl Takes {
    pub(super) fn accepts(self, r#type: &Type) -> bool {
        let text_list = |of: &Type| matches!(of, Type::String | Type::Unknown);
        match (self, r#type) {
            (Self::Text, r#type) => *r#type == Type::String,
            (Self::Int, r#type) => *r#type == Type::Int,
            (Self::Texts, Type::List(of)) => text_list(of),
            (Self::TextOrList, r#type) => matches!(r#type, Type::String | Type::List(_)),
            (Self::Single, r#type) => {
                matches!(r#type, Type::String | Type::Bool | Type::Timestamp) || r#type.is_number()
            }
            (Self::Moment, r#type) => matches!(r#type, Type::String | Type::Timestamp),
            (Self::Number, r#type) => *r#type == Type::String || r#type.is_number(),
            (Self::Texts, _) => false,
        }
    }

    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Int => "a whole number",
            Self::Texts => "a list of strings",
            Self::TextOrList => "a string or a list",
            Self::Single => "a single value",
            Self::Moment => "a string or a point in time",
            Self::Number => "a string or a number",
        }
    }
}
