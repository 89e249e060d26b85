//! Attribute mappings: which attributes of an account we own, and what each should be.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use scim::{Attribute, AttributeType, ResourceType};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Environment, Expect, Expression, ExpressionError, TargetPath, TargetPathError, limits,
    profile_type,
};

/// One attribute of an account that we own, as it is configured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The attribute, as [`TargetPath`] reads it.
    pub target: String,
    /// The expression that makes its value of `user` (the profile) and `app` (`app.name`).
    pub value: String,
    /// When it is written.
    #[serde(default)]
    pub apply: Apply,
    /// The value for whoever the expression has none for.
    #[serde(default, rename = "default", skip_serializing_if = "Option::is_none")]
    pub default_if_absent: Option<Value>,
}

/// When a mapping is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Apply {
    /// At creation only; later it belongs to the application.
    Create,
    /// At creation, and whenever it changes.
    #[default]
    CreateAndUpdate,
}

/// An application's mappings, checked and ready to use.
#[derive(Debug, Clone)]
pub struct Mappings {
    pub(crate) checked: Vec<CheckedMapping>,
    user_type: Arc<ResourceType>,
}

#[derive(Debug, Clone)]
pub(crate) struct CheckedMapping {
    pub target: TargetPath,
    pub definition: Attribute,
    pub expression: Expression,
    pub apply: Apply,
    pub default_if_absent: Option<Value>,
}

/// A mapping that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Its target is no attribute that can be written.
    #[error("mapping `{target}`: the target cannot be used")]
    Target {
        /// The target as written.
        target: String,
        /// Why not.
        #[source]
        source: TargetPathError,
    },
    /// Its expression cannot be read, or has another type than the target.
    #[error("mapping `{target}`: the expression `{value}` cannot be used")]
    Expression {
        /// The target.
        target: String,
        /// The expression as written.
        value: String,
        /// Why not, and in which column.
        #[source]
        source: ExpressionError,
    },
    /// Two mappings have one target.
    #[error("`{target}` has two mappings: remove one of them")]
    Twice {
        /// The target.
        target: String,
    },
    /// More mappings than are allowed.
    #[error("there are {count} mappings; at most {count_max} are allowed")]
    TooMany {
        /// How many.
        count: usize,
        /// The limit.
        count_max: usize,
    },
}

/// Something doubtful about mappings that can be used nevertheless.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum MappingFinding {
    /// The kind of license is the same for everybody.
    ConstantUserType {
        /// The value.
        value: String,
    },
    /// The mapping cannot be used.
    Unusable {
        /// The target as written.
        target: String,
        /// Why.
        problem: String,
    },
    /// Nothing says what the login should be.
    NoUserName,
    /// `userName` is the same for everybody.
    ConstantUserName {
        /// The value.
        value: String,
    },
    /// `active` is mapped, but follows from employment and assignment.
    ActiveIsNotMapped,
    /// The login is written at creation only, so a rename never reaches the application.
    UserNameAtCreationOnly,
}

impl Mappings {
    /// Checks mappings against the User of an application, with its extensions. A mapping of `active`
    /// is left out: whether an account is active follows from employment and assignment.
    pub fn check(mappings: &[Mapping], user_type: Arc<ResourceType>) -> Result<Self, MappingError> {
        let (count, count_max) = (mappings.len(), limits::MAPPING_COUNT_MAX);
        if count > count_max {
            return Err(MappingError::TooMany { count, count_max });
        }
        let mut checked: Vec<CheckedMapping> = Vec::with_capacity(count);
        for mapping in mappings {
            let mapping = check(mapping, &user_type)?;
            if checked.iter().any(|other| other.target == mapping.target) {
                return Err(MappingError::Twice { target: mapping.target.to_string() });
            }
            if !is_active(&mapping.target) {
                checked.push(mapping);
            }
        }
        Ok(Self { checked, user_type })
    }

    /// The User of the application, with its extensions.
    pub fn user_type(&self) -> &Arc<ResourceType> {
        &self.user_type
    }

    /// The attributes of the profile that some mapping reads. A change of anything else changes no
    /// account, but for groups.
    pub fn reads(&self) -> BTreeSet<String> {
        self.checked.iter().flat_map(|mapping| mapping.expression.reads().clone()).collect()
    }

    /// The groups that some mapping asks for by name.
    pub fn groups(&self) -> BTreeSet<String> {
        self.checked.iter().flat_map(|mapping| mapping.expression.groups().clone()).collect()
    }
}

/// What an expression of a mapping may speak of: `user`, `app.name`, `memberOf("group")`.
pub fn mapping_environment() -> &'static Environment {
    static ENVIRONMENT: LazyLock<Environment> = LazyLock::new(|| {
        Environment::new()
            .with_resource("user", &profile_type())
            .with_columns("app", ["name"])
            .with_groups()
    });
    &ENVIRONMENT
}

/// The mappings an application has unless somebody says otherwise.
pub fn default_mappings() -> Vec<Mapping> {
    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let department = format!("{ENTERPRISE}:department");
    let employee_number = format!("{ENTERPRISE}:employeeNumber");
    [
        ("userName", "user.userName"),
        ("name.givenName", "user.name.givenName"),
        ("name.familyName", "user.name.familyName"),
        ("displayName", "user.displayName"),
        ("emails[type eq \"work\"].value", "user.userName"),
        ("emails[type eq \"work\"].primary", "true"),
        ("title", "user.title"),
        (&department, "user.department"),
        (&employee_number, "user.employeeNumber"),
    ]
    .into_iter()
    .map(|(target, value)| Mapping {
        target: target.to_owned(),
        value: value.to_owned(),
        apply: Apply::CreateAndUpdate,
        default_if_absent: None,
    })
    .collect()
}

/// What is doubtful about mappings.
pub fn lint(mappings: &[Mapping], user_type: &Arc<ResourceType>) -> Vec<MappingFinding> {
    let mut findings = Vec::new();
    let mut user_name = None;
    for mapping in mappings {
        let checked = match check(mapping, user_type) {
            Ok(checked) => checked,
            Err(error) => {
                findings.push(MappingFinding::Unusable {
                    target: mapping.target.clone(),
                    problem: whole_message(&error),
                });
                continue;
            }
        };
        let constant = || checked.expression.is_constant().map(|value| value.to_string());
        match checked.target.as_str() {
            "userType" => {
                findings.extend(constant().map(|value| MappingFinding::ConstantUserType { value }))
            }
            "userName" => {
                user_name = Some(checked.apply);
                findings.extend(constant().map(|value| MappingFinding::ConstantUserName { value }));
            }
            "active" => findings.push(MappingFinding::ActiveIsNotMapped),
            _ => {}
        }
    }
    match user_name {
        None => findings.push(MappingFinding::NoUserName),
        Some(Apply::Create) => findings.push(MappingFinding::UserNameAtCreationOnly),
        Some(Apply::CreateAndUpdate) => {}
    }
    findings
}

impl MappingFinding {
    /// What was found.
    pub fn sentence(&self) -> String {
        match self {
            Self::ConstantUserType { value } => {
                format!("Everybody gets the userType {value}, whatever their groups grant.")
            }
            Self::Unusable { problem, .. } => format!("{problem}."),
            Self::NoUserName => "Nothing is mapped to userName, which every account needs.".into(),
            Self::ConstantUserName { value } => format!("Everybody would be called {value}."),
            Self::ActiveIsNotMapped => "The mapping of active is not used.".to_owned(),
            Self::UserNameAtCreationOnly => {
                "userName is written at creation only, so renames never arrive.".to_owned()
            }
        }
    }

    /// What to do about it.
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::ConstantUserType { .. } => {
                "Remove the mapping and let groups grant licenses; applications withdraw types."
            }
            Self::Unusable { .. } => "Correct the mapping, or remove it.",
            Self::NoUserName => "Map userName, usually from user.userName.",
            Self::ConstantUserName { .. } => "Make it of something that differs between people.",
            Self::ActiveIsNotMapped => {
                "Remove it: whether an account is active follows from employment and assignment."
            }
            Self::UserNameAtCreationOnly => {
                "Nothing, if logins never change; otherwise apply it at creation and update."
            }
        }
    }
}

fn check(mapping: &Mapping, user_type: &Arc<ResourceType>) -> Result<CheckedMapping, MappingError> {
    let (target, definition) = TargetPath::resolve(&mapping.target, user_type)
        .map_err(|source| MappingError::Target { target: mapping.target.clone(), source })?;
    let expect = match (definition.attribute_type, definition.multi_valued) {
        (AttributeType::Boolean, false) => Expect::Boolean,
        (AttributeType::String | AttributeType::Reference | AttributeType::Binary, false) => {
            Expect::String
        }
        // What the type check cannot say is checked when there is a value.
        _ => Expect::Any,
    };
    let expression =
        Expression::parse(&mapping.value, mapping_environment(), expect).map_err(|source| {
            MappingError::Expression {
                target: target.to_string(),
                value: mapping.value.clone(),
                source,
            }
        })?;
    Ok(CheckedMapping {
        target,
        definition: definition.clone(),
        expression,
        apply: mapping.apply,
        default_if_absent: mapping.default_if_absent.clone(),
    })
}

pub(crate) fn is_active(target: &TargetPath) -> bool {
    target.as_str() == "active"
}

fn whole_message(error: &MappingError) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use scim::Extension;

    fn user_type() -> Arc<ResourceType> {
        Arc::new(ResourceType::user(vec![Extension::optional(scim::enterprise_user_schema())]))
    }

    fn mapping(target: &str, value: &str) -> Mapping {
        Mapping {
            target: target.to_owned(),
            value: value.to_owned(),
            apply: Apply::CreateAndUpdate,
            default_if_absent: None,
        }
    }

    #[track_caller]
    fn check_lint(mappings: &[Mapping], expected: &[&str]) {
        let found: Vec<_> =
            lint(mappings, &user_type()).iter().map(MappingFinding::sentence).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_default_mappings_are_beyond_doubt() {
        check_lint(&default_mappings(), &[]);
        let mappings = Mappings::check(&default_mappings(), user_type()).unwrap();
        assert!(mappings.reads().contains("user.department"));
    }

    #[test]
    fn a_hard_coded_user_type_is_warned_of() {
        let user_name = || mapping("userName", "user.userName");
        check_lint(
            &[user_name(), mapping("userType", "\"Basic\"")],
            &["Everybody gets the userType \"Basic\", whatever their groups grant."],
        );
        check_lint(&[user_name(), mapping("userType", "user.userType")], &[]);
    }

    #[test]
    fn what_cannot_be_used_says_where_the_mistake_is() {
        check_lint(
            &[
                mapping("userName", "user.userNam"),
                mapping("nosuch", "user.title"),
                mapping("active", "true"),
            ],
            &[
                "mapping `userName`: the expression `user.userNam` cannot be used: column 6: \
                 `user` has no attribute `userNam`; did you mean `userName`?.",
                "mapping `nosuch`: the target cannot be used: the application has no attribute \
                 `nosuch`.",
                "The mapping of active is not used.",
                "Nothing is mapped to userName, which every account needs.",
            ],
        );
    }

    #[test]
    fn two_mappings_of_one_attribute_are_refused() {
        let error = Mappings::check(
            &[mapping("title", "user.title"), mapping("TITLE", "user.nickName")],
            user_type(),
        )
        .unwrap_err();
        assert_eq!(error.to_string(), "`title` has two mappings: remove one of them");
    }
}
