//! A filter over several resource types, as each of them sees it (RFC 7644 3.4.2.1).

use serde_json::{Map, json};

use super::{CompareOp, Filter, Literal};
use crate::{AttributePath, ResourceType};

/// What is left of a filter for the resources of one type.
#[derive(Debug, Clone, PartialEq)]
pub enum Restricted {
    /// Every one of them matches.
    All,
    /// None of them does.
    None,
    /// Those match that match this.
    Some(Filter),
}

impl Filter {
    /// The filter for resources of one type. RFC 7644 3.4.2.1: "For filtered attributes that are
    /// not part of a particular resource type, the service provider SHALL treat the attribute as if
    /// there is no attribute value." What `meta.resourceType` is compared with is known beforehand,
    /// so that types which it rules out need not be looked at.
    pub fn restricted_to(&self, rt: &ResourceType) -> Restricted {
        match self {
            Self::And(filters) => joined(filters, rt, &Restricted::None, Self::And),
            Self::Or(filters) => joined(filters, rt, &Restricted::All, Self::Or),
            Self::Not(filter) => match filter.restricted_to(rt) {
                Restricted::All => Restricted::None,
                Restricted::None => Restricted::All,
                Restricted::Some(filter) => Restricted::Some(Self::Not(Box::new(filter))),
            },
            Self::Present(path) | Self::Compare { path, .. } if is_type(rt, path) => {
                let document = json!({"meta": {"resourceType": rt.name}});
                let document = document.as_object().cloned().unwrap_or_else(Map::new);
                constant(self.matches(rt, &document))
            }
            Self::Present(path) => match is_known(rt, path) {
                true => Restricted::Some(self.clone()),
                false => Restricted::None,
            },
            Self::ValuePath { path, .. } => match rt.resolve(path) {
                Some(_) => Restricted::Some(self.clone()),
                None => Restricted::None,
            },
            Self::Compare { path, op, value } => match rt.resolve(path) {
                Some(_) => Restricted::Some(self.clone()),
                // Nothing equals nothing, and differs from everything else.
                None => constant(match (op, value) {
                    (CompareOp::Eq, Literal::Null) => true,
                    (CompareOp::Ne, value) => *value != Literal::Null,
                    _ => false,
                }),
            },
        }
    }

    /// The first attribute that none of the types has.
    pub(crate) fn unknown_to_all<'a, 't>(
        &'a self,
        types: impl Iterator<Item = &'t ResourceType> + Clone,
    ) -> Option<&'a AttributePath> {
        match self {
            Self::And(filters) | Self::Or(filters) => {
                filters.iter().find_map(|filter| filter.unknown_to_all(types.clone()))
            }
            Self::Not(filter) => filter.unknown_to_all(types),
            Self::Present(path) | Self::Compare { path, .. } | Self::ValuePath { path, .. } => {
                let mut types = types;
                (!types.any(|rt| is_known(rt, path))).then_some(path)
            }
        }
    }
}

fn joined(
    filters: &[Filter],
    rt: &ResourceType,
    decisive: &Restricted,
    join: fn(Vec<Filter>) -> Filter,
) -> Restricted {
    let mut rest = Vec::new();
    for filter in filters {
        match filter.restricted_to(rt) {
            Restricted::Some(filter) => rest.push(filter),
            constant if constant == *decisive => return constant,
            _ => {}
        }
    }
    match rest.pop() {
        None => match decisive {
            Restricted::All => Restricted::None,
            _ => Restricted::All,
        },
        Some(only) if rest.is_empty() => Restricted::Some(only),
        Some(last) => {
            rest.push(last);
            Restricted::Some(join(rest))
        }
    }
}

fn constant(holds: bool) -> Restricted {
    if holds { Restricted::All } else { Restricted::None }
}

/// `meta.resourceType`.
fn is_type(rt: &ResourceType, path: &AttributePath) -> bool {
    rt.resolve(path).is_some_and(|found| {
        found.attribute.name == "meta"
            && found.sub_attribute.is_some_and(|sub| sub.name == "resourceType")
    })
}

/// An attribute of the type, or one of its extensions as a whole.
fn is_known(rt: &ResourceType, path: &AttributePath) -> bool {
    rt.resolve(path).is_some() || rt.extension(&path.to_string()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Extension, enterprise_user_schema};

    fn told(filter: &str) -> String {
        let user = ResourceType::user(vec![Extension::optional(enterprise_user_schema())]);
        let group = ResourceType::group(Vec::new());
        let filter = Filter::parse(filter).unwrap();
        let told = [user, group].map(|rt| match filter.restricted_to(&rt) {
            Restricted::All => "all".to_owned(),
            Restricted::None => "none".to_owned(),
            Restricted::Some(filter) => filter.to_string(),
        });
        told.join(" | ")
    }

    #[test]
    fn the_type_is_known_beforehand() {
        insta::assert_snapshot!(told(r#"meta.resourceType eq "User""#), @"all | none");
        insta::assert_snapshot!(told(r#"meta.resourceType ne "User""#), @"none | all");
        insta::assert_snapshot!(told(r#"meta.resourceType eq "User" or meta.resourceType eq "Group""#), @"all | all");
        insta::assert_snapshot!(told(r#"meta.resourceType eq "Group" and displayName sw "S""#), @r#"none | displayName sw "S""#);
        insta::assert_snapshot!(told(r#"not (meta.resourceType pr)"#), @"none | none");
        insta::assert_snapshot!(told(r#"(meta.resourceType eq "User" and userName sw "a") or (meta.resourceType eq "Group" and displayName sw "S")"#), @r#"userName sw "a" | displayName sw "S""#);
    }

    #[test]
    fn what_a_type_does_not_have_has_no_value() {
        insta::assert_snapshot!(told(r#"userName eq "ana""#), @r#"userName eq "ana" | none"#);
        insta::assert_snapshot!(told(r#"userName ne "ana""#), @r#"userName ne "ana" | all"#);
        insta::assert_snapshot!(told("userName eq null"), @"userName eq null | all");
        insta::assert_snapshot!(told("userName ne null"), @"userName ne null | none");
        insta::assert_snapshot!(told(r#"not (userName sw "a")"#), @r#"not (userName sw "a") | all"#);
        insta::assert_snapshot!(told(r#"emails[type eq "work"] or members pr"#), @r#"emails[type eq "work"] | members pr"#);
        insta::assert_snapshot!(told("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr and displayName pr"), @"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr and displayName pr | none");
        insta::assert_snapshot!(told(r#"id eq "1" and (userName pr or displayName pr)"#), @r#"id eq "1" and (userName pr or displayName pr) | id eq "1" and displayName pr"#);
    }
}
