//! Whether the schemas of a resource type allow what a filter asks (400 `invalidFilter`).

use super::evaluate::{boolean, default_part, number, text};
use super::{CompareOp, Filter, Literal};
use crate::value::instant;
use crate::{
    Attribute, AttributePath, AttributeType, Error, Mutability, ResourceType, Returned, ScimType,
};

#[derive(Clone, Copy)]
enum Scope<'a> {
    Resource(&'a ResourceType),
    Value(&'a Attribute),
}

impl Filter {
    /// Refuses attributes that are not defined or must not be asked for, and comparisons that an
    /// attribute's type does not know.
    pub fn check(&self, rt: &ResourceType) -> Result<(), Error> {
        self.check_in(Scope::Resource(rt))
    }

    /// The same for a filter over the sub-attributes of `parent`.
    pub(crate) fn check_value(&self, parent: &Attribute) -> Result<(), Error> {
        self.check_in(Scope::Value(parent))
    }

    fn check_in(&self, scope: Scope<'_>) -> Result<(), Error> {
        match self {
            Self::And(filters) | Self::Or(filters) => {
                filters.iter().try_for_each(|filter| filter.check_in(scope))
            }
            Self::Not(filter) => filter.check_in(scope),
            Self::Present(path) => match scope {
                Scope::Resource(rt) if rt.extension(&path.to_string()).is_some() => Ok(()),
                _ => scope.resolve(path).map(|_| ()),
            },
            Self::Compare { path, op, value } => check_comparison(scope, path, *op, value),
            Self::ValuePath { path, filter } => {
                let attribute = scope.resolve(path)?;
                if path.sub_attribute.is_some() || matches!(scope, Scope::Value(_)) {
                    return Err(invalid(format!(
                        "`{path}` cannot be filtered by its values: it is a sub-attribute."
                    )));
                }
                filter.check_value(attribute)
            }
        }
    }
}

impl<'a> Scope<'a> {
    fn resolve(self, path: &AttributePath) -> Result<&'a Attribute, Error> {
        let (attribute, owner) = match self {
            Self::Resource(rt) => {
                let resolved = rt.resolve(path);
                let attribute = resolved.map(|resolved| {
                    check_readable(path, resolved.attribute).map(|()| resolved.target())
                });
                (attribute.transpose()?, rt.name.as_str())
            }
            Self::Value(parent) => {
                let plain = path.urn.is_none() && path.sub_attribute.is_none();
                let attribute = match parent.attribute_type {
                    AttributeType::Complex => parent.sub_attribute(&path.attribute),
                    _ => path.attribute.eq_ignore_ascii_case("value").then_some(parent),
                };
                (attribute.filter(|_| plain), parent.name.as_str())
            }
        };
        match attribute {
            Some(attribute) => check_readable(path, attribute).map(|()| attribute),
            None => Err(invalid(format!("`{owner}` has no attribute `{path}`."))),
        }
    }
}

/// What is never returned (passwords) must not be found out by asking (RFC 7643 7, RFC 7644 7.5.2).
fn check_readable(path: &AttributePath, attribute: &Attribute) -> Result<(), Error> {
    if attribute.returned == Returned::Never || attribute.mutability == Mutability::WriteOnly {
        return Err(invalid(format!("`{path}` is never returned, so it cannot be filtered by.")));
    }
    Ok(())
}

fn check_comparison(
    scope: Scope<'_>,
    path: &AttributePath,
    op: CompareOp,
    literal: &Literal,
) -> Result<(), Error> {
    let attribute = scope.resolve(path)?;
    let name = op.as_str();
    if literal == &Literal::Null {
        return match op {
            CompareOp::Eq | CompareOp::Ne => Ok(()),
            _ => Err(invalid(format!("`{path}` cannot be compared with null by `{name}`."))),
        };
    }
    let Some(part) = default_part(attribute) else {
        return Err(invalid(format!("`{path}` has parts and no value. Name a sub-attribute.")));
    };
    let kind = part.attribute_type;
    let equality = matches!(op, CompareOp::Eq | CompareOp::Ne);
    let ordering = matches!(op, CompareOp::Gt | CompareOp::Ge | CompareOp::Lt | CompareOp::Le);
    let knows = match kind {
        // RFC 7644 table 3: "Boolean and Binary attributes SHALL cause a failed response (HTTP
        // status code 400) with scimType of invalidFilter."
        AttributeType::Boolean => equality,
        AttributeType::Binary => !ordering,
        AttributeType::Integer | AttributeType::Decimal => equality || ordering,
        _ => true,
    };
    if !knows {
        return Err(invalid(format!("`{path}` is {} and has no `{name}`.", kind_name(kind))));
    }
    let fits = match kind {
        AttributeType::Boolean => boolean(literal).is_some(),
        AttributeType::Integer | AttributeType::Decimal => number(literal).is_some(),
        AttributeType::DateTime if equality || ordering => {
            text(literal).is_some_and(|text| instant(&text).is_some())
        }
        _ => text(literal).is_some(),
    };
    if fits {
        return Ok(());
    }
    Err(invalid(format!("`{path}` is {} and cannot be compared with {literal}.", kind_name(kind))))
}

fn kind_name(kind: AttributeType) -> &'static str {
    match kind {
        AttributeType::String => "a string",
        AttributeType::Boolean => "a boolean",
        AttributeType::Decimal => "a number",
        AttributeType::Integer => "a whole number",
        AttributeType::DateTime => "a moment (such as \"2026-03-31T08:00:00Z\")",
        AttributeType::Reference => "a reference",
        AttributeType::Binary => "bytes",
        AttributeType::Complex => "an object",
    }
}

fn invalid(detail: String) -> Error {
    Error::bad_request(ScimType::InvalidFilter, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Extension, enterprise_user_schema};

    fn check(filter: &str) -> String {
        let rt = ResourceType::user(vec![Extension::optional(enterprise_user_schema())]);
        match Filter::parse(filter).unwrap().check(&rt) {
            Ok(()) => "fine".into(),
            Err(error) => {
                assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidFilter)));
                error.detail
            }
        }
    }

    #[test]
    fn what_the_schemas_do_not_define_is_refused() {
        insta::assert_snapshot!(check("shoeSize pr"), @"`User` has no attribute `shoeSize`.");
        insta::assert_snapshot!(check("name.nick pr"), @"`User` has no attribute `name.nick`.");
        insta::assert_snapshot!(check("emails[nick pr]"), @"`emails` has no attribute `nick`.");
        insta::assert_snapshot!(check("emails[emails.type pr]"), @"`emails` has no attribute `emails.type`.");
        insta::assert_snapshot!(check("department pr"), @"fine");
        insta::assert_snapshot!(check("urn:x:2.0:User:department pr"), @"`User` has no attribute `urn:x:2.0:User:department`.");
        insta::assert_snapshot!(check("a pr or not (userName pr and b pr)"), @"`User` has no attribute `a`.");
    }

    #[test]
    fn secrets_cannot_be_asked_for() {
        insta::assert_snapshot!(check(r#"password sw "a""#), @"`password` is never returned, so it cannot be filtered by.");
        insta::assert_snapshot!(check("password pr"), @"`password` is never returned, so it cannot be filtered by.");
    }

    #[test]
    fn comparisons_that_a_type_does_not_know_are_refused() {
        insta::assert_snapshot!(check("active gt true"), @"`active` is a boolean and has no `gt`.");
        insta::assert_snapshot!(check(r#"active co "tru""#), @"`active` is a boolean and has no `co`.");
        insta::assert_snapshot!(check(r#"x509Certificates.value gt "AAAA""#), @"`x509Certificates.value` is bytes and has no `gt`.");
        insta::assert_snapshot!(check(r#"active eq "yes""#), @r#"`active` is a boolean and cannot be compared with "yes"."#);
        insta::assert_snapshot!(check(r#"meta.created gt "2026""#), @r#"`meta.created` is a moment (such as "2026-03-31T08:00:00Z") and cannot be compared with "2026"."#);
        insta::assert_snapshot!(check("userName eq true"), @"`userName` is a string and cannot be compared with true.");
        insta::assert_snapshot!(check("userName gt null"), @"`userName` cannot be compared with null by `gt`.");
        insta::assert_snapshot!(check(r#"name eq "Ana""#), @"`name` has parts and no value. Name a sub-attribute.");
        insta::assert_snapshot!(check(r#"emails eq "a@b""#), @"fine");
    }
}
